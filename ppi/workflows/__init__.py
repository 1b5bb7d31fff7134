"""One public function per verb. Only workflows join rooms; the web, the command line and runners call them."""
