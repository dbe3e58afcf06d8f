// Nobody looks at a hidden page: it asks for nothing, and catches up at once when it is shown again.
// What somebody is about to send stays as it is.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.target.id !== "board") return;
  if (document.hidden || event.target.querySelector(".acts details[open], .acts :focus")) event.preventDefault();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) htmx.trigger("#board", "look");
});
