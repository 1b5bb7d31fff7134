"""What annotators marked: exports of Label Studio and the pattern table that explains their labels."""
