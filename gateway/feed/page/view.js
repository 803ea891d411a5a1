// What is on the page. Everything that people wrote goes in as text, never as markup.

const byId = (id) => document.getElementById(id);

const WORDS = {
  LIKE: "liked your post",
  COMMENT: "commented on your post",
  SHARE: "shared your post",
  FOLLOW: "follows you",
  MILESTONE: "has reached a milestone",
  FRAUD: "is liked in a suspicious way",
};

/** An element with text in it. */
function element(name, text = "", className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

/** A button that names a post, and watches it. */
function postButton(postId, watch) {
  const button = element("button", postId);
  button.type = "button";
  button.title = `Watch ${postId}`;
  button.addEventListener("click", () => watch(postId));
  return button;
}

export function showUser(user) {
  byId("sign-in").hidden = user !== null;
  byId("feed").hidden = user === null;
  byId("account").hidden = user === null;
  byId("user").textContent = user ?? "";
}

export function showState(id, state, words) {
  const shown = byId(id);
  shown.hidden = false;
  if (shown.textContent !== words) shown.textContent = words;
  shown.dataset.state = state;
}

export function showProblem(words) {
  byId("problem").textContent = words;
  byId("problem").hidden = !words;
}

export function say(words) {
  byId("said").textContent = words;
}

/** Puts a post on top of the list. `does` has a function for each button: like, share, comment, unwatch. */
export function addPost(postId, text, liked, does) {
  const post = byId("post-template").content.cloneNode(true).querySelector("article");
  const title = post.querySelector("h3");
  title.textContent = postId;
  title.id = `post-${document.querySelectorAll("article").length}-${Date.now()}`;
  post.setAttribute("aria-labelledby", title.id);
  post.dataset.post = postId;
  post.querySelector(".text").textContent = text ?? "";
  const input = post.querySelector("input");
  input.setAttribute("aria-label", `Comment on ${postId}`);
  for (const button of post.querySelectorAll("[data-do]")) {
    button.addEventListener("click", () => does[button.dataset.do](button));
  }
  post.querySelector("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    if (await does.comment(input.value)) input.value = "";
  });
  showLiked(post, liked);
  byId("posts").prepend(post);
  byId("no-posts").hidden = true;
  return post;
}

export function removePost(post) {
  post.remove();
  byId("no-posts").hidden = byId("posts").childElementCount > 0;
  byId("watch-id").focus();
}

export function showLiked(post, liked) {
  const button = post.querySelector('[data-do="like"]');
  button.setAttribute("aria-pressed", String(liked));
}

/** `counts` has likes, comments and shares; null while nobody can tell. */
export function showCounts(post, counts) {
  for (const shown of post.querySelectorAll("[data-count]")) {
    const text = counts ? String(counts[shown.dataset.count]) : "–";
    if (shown.textContent === text) continue;
    const known = shown.textContent !== "–";
    shown.textContent = text;
    shown.classList.remove("changed");
    if (known && counts) {
      void shown.offsetWidth; // so that the animation begins anew
      shown.classList.add("changed");
    }
  }
}

/** `unit` is one of what is counted, such as "like". */
export function showRanks(id, posts, unit, watch) {
  const list = byId(id);
  const now = JSON.stringify(posts);
  if (list.dataset.shown === now) return;
  list.dataset.shown = now;
  // Whoever has come here by the keyboard stays where they are.
  const focused = list.contains(document.activeElement) ? document.activeElement.textContent : null;
  list.replaceChildren(
    ...posts.map(({ postId, score }) => {
      const item = element("li");
      const number = Number.isInteger(score) ? String(score) : score.toFixed(1);
      item.append(element("span", `${number} ${unit}${number === "1" ? "" : "s"}`, "score"), postButton(postId, watch));
      return item;
    }),
  );
  if (focused !== null) [...list.querySelectorAll("button")].find((b) => b.textContent === focused)?.focus();
}

/** One more notification, and how many of all are unread. */
export function showNotifications(notifications, unread, watch) {
  const list = byId("told");
  const shown = new Set([...list.children].map((item) => item.dataset.id));
  for (const told of notifications) if (!shown.has(told.id)) list.prepend(notification(told, watch));
  while (list.childElementCount > notifications.length) list.lastElementChild.remove();
  [...list.children].forEach((item, index) => item.classList.toggle("unread", index < unread));
  byId("no-told").hidden = list.childElementCount > 0;
  byId("read-all").hidden = byId("unread").hidden = unread === 0;
  byId("unread").textContent = String(unread);
  byId("unread").setAttribute("aria-label", `${unread} unread`);
  document.title = unread ? `(${unread}) Sluice feed` : "Sluice feed";
}

function notification(told, watch) {
  const item = element("li");
  item.dataset.id = told.id;
  const words = WORDS[told.kind] ?? told.kind;
  if (told.from) item.append(element("strong", told.from), ` ${words} `);
  else item.append(told.postId ? "Your post " : words);
  if (told.postId) item.append(postButton(told.postId, watch));
  if (!told.from && told.postId) item.append(` ${words}`);
  if (told.text) item.append(element("div", `“${told.text}”`));
  if (told.at) {
    const time = element("time", new Date(told.at).toLocaleTimeString());
    time.dateTime = told.at;
    item.append(time);
  }
  return item;
}
