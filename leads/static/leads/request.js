// The page works without this: it spaces the number while it is typed, and counts what is left of the detail.
const phone = document.getElementById("phone");
phone.addEventListener("input", (event) => {
  const deletes = (event.inputType || "").startsWith("delete");
  const digits = phone.value.replace(/[ .-]/g, "");
  if (!deletes && phone.selectionStart === phone.value.length && /^0\d{1,9}$/.test(digits)) {
    phone.value = digits.match(/\d{1,2}/g).join(" ");
  }
});

const detail = document.getElementById("detail");
const help = document.getElementById("detail-help");
const advice = help.textContent;
detail.addEventListener("input", () => {
  const left = Number(help.dataset.longest) - detail.value.length;
  help.textContent = left > 40 ? advice : `Encore ${Math.max(left, 0)} caractère${left > 1 ? "s" : ""}.`;
});
