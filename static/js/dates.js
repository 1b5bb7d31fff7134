// Browsers show dates in their own language, whatever the page's: below each field the day stands in words of the page.
const words = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "long", timeZone: "UTC" });

for (const said of document.querySelectorAll("[data-date-of]")) {
  const field = document.getElementById(said.dataset.dateOf);
  field.addEventListener("change", () => {
    said.textContent = field.valueAsDate ? words.format(field.valueAsDate) : said.dataset.none;
  });
}
