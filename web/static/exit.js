// "Leave quickly" without a step back to this page in the history; without this script it is a plain link.
(() => {
  const exit = document.getElementById("exit");
  let presses = [];
  const leave = (event) => {
    event.preventDefault();
    document.documentElement.hidden = true;
    window.location.replace(exit.href);
  };
  exit.addEventListener("click", leave);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    presses = [...presses, event.timeStamp].slice(-3);
    if (presses.length === 3 && presses[2] - presses[0] < 3000) leave(event);
  });
  document.getElementById("exit-escape").hidden = false;
})();
