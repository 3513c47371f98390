// Talks to the server. What is said is sent one at a time, in the order in which it was said.

let last = Promise.resolve();

export async function ask(path, options = {}) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Error(
      "highlight-train is not running any more. Labels that were saved are safe; start it again and open the address it prints.",
    );
  }
  if (response.status === 401) {
    throw new Error("The key to this page is no longer valid: open the address that highlight-train printed last.");
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  throw new Error(typeof answer.detail === "string" ? answer.detail : `The server answered with error ${response.status}.`);
}

export function say(path, body) {
  const answer = last.then(() =>
    ask(path(), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      keepalive: true, // a label given just before the tab is closed still arrives
    }),
  );
  last = answer.catch(() => {});
  return answer;
}
