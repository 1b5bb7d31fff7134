// Tokens for programs: shown once.
import { call, during } from "./api.js";

document.getElementById("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.currentTarget;
  during(event.submitter, async () => {
    const { token } = await call("POST", "/account/tokens", { label: form.elements.label.value });
    document.getElementById("token-shown").hidden = false;
    form.reset();
    const shown = document.getElementById("token");
    shown.value = token;
    shown.focus();
    shown.select();
  });
});
