// The page: who is signed in, what is watched, and what happens when something happens.

import { Refusal, act, newId, read, userOf } from "./api.js";
import { Socket } from "./socket.js";
import * as view from "./view.js";

const byId = (id) => document.getElementById(id);

const MOST_WATCHED = 50;
const MOST_NOTIFICATIONS = 50;
const RANKS = 10;

/** Counters are read so long after news of them, and once more: they may be told of before they are counted. */
const READ_AFTER_MS = 150;
const READ_AGAIN_AFTER_MS = 1000;
const READ_EVERY_MS = 5000;

let session = null;

// --- Signing in and out ---------------------------------------------------------------------------------------------

function begin(token) {
  const user = userOf(token);
  const kept = JSON.parse(sessionStorage.getItem(`feed:${user}`) ?? "{}");
  session = {
    token,
    user,
    watched: new Map(),
    texts: kept.texts ?? {},
    liked: new Set(kept.liked ?? []),
    notifications: kept.notifications ?? [],
    unread: kept.unread ?? 0,
    soon: 0,
    later: 0,
  };
  session.socket = new Socket(token, heard, (state, words) => view.showState("connection", state, words));
  sessionStorage.setItem("feed:token", token);
  view.showUser(user);
  for (const postId of (kept.watched ?? []).slice(0, MOST_WATCHED)) watch(postId);
  view.showNotifications(session.notifications, session.unread, watch);
  readSoon();
}

function end() {
  session.socket.close();
  clearTimeout(session.soon);
  clearTimeout(session.later);
  for (const post of session.watched.values()) view.removePost(post);
  sessionStorage.clear();
  session = null;
  view.showNotifications([], 0, watch);
  view.showUser(null);
  view.showState("connection", "off", "signed out");
  view.showProblem("");
  byId("token").focus();
}

function keep() {
  const { user, watched, texts, liked, notifications, unread } = session;
  const kept = { watched: [...watched.keys()], texts, liked: [...liked], notifications, unread };
  sessionStorage.setItem(`feed:${user}`, JSON.stringify(kept));
}

// --- Doing something ------------------------------------------------------------------------------------------------

/** Returns whether it was done; if not, the page says why. */
async function attempt(action, done) {
  view.showProblem("");
  const { token, user } = session;
  try {
    await act(token, { userId: user, ...action });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    view.showProblem(error.message);
    return false;
  }
  view.say(done);
  readSoon();
  return true;
}

async function compose(text) {
  const postId = newId("p-");
  if (!(await attempt({ type: "post", postId, text }, `Posted as ${postId}.`))) return false;
  session.texts[postId] = text;
  watch(postId);
  return true;
}

function watch(postId) {
  if (session.watched.has(postId)) {
    session.watched.get(postId).querySelector("button").focus();
    return;
  }
  if (session.watched.size >= MOST_WATCHED) {
    view.showProblem(`You watch ${MOST_WATCHED} posts already: stop watching one of them first.`);
    return;
  }
  const post = view.addPost(postId, session.texts[postId], session.liked.has(postId), {
    like: (button) => like(postId, post, button),
    share: () => attempt({ type: "share", postId }, `Shared ${postId}.`),
    comment: (text) => attempt({ type: "comment", postId, text }, `Commented on ${postId}.`),
    unwatch: () => unwatch(postId),
  });
  session.watched.set(postId, post);
  session.socket.follow(`post:${postId}`);
  keep();
  readSoon();
}

function unwatch(postId) {
  view.removePost(session.watched.get(postId));
  session.watched.delete(postId);
  session.socket.leave(`post:${postId}`);
  keep();
}

async function like(postId, post, button) {
  const likes = !session.liked.has(postId);
  button.disabled = true;
  if (await attempt({ type: likes ? "like" : "unlike", postId }, `${likes ? "Liked" : "No longer liked"}: ${postId}.`)) {
    if (likes) session.liked.add(postId);
    else session.liked.delete(postId);
    view.showLiked(post, likes);
    keep();
  }
  button.disabled = false;
  button.focus();
}

// --- Hearing and reading ---------------------------------------------------------------------------------------------

function heard(message) {
  if (message.type === "ready" || message.type === "gap") readSoon();
  if (message.type === "error") view.showProblem(message.detail);
  if (message.type !== "notification") return;
  readSoon();
  if (message.topic || session.notifications.some((told) => told.id === message.id)) return;
  const { id, kind, at, from, postId, text } = message;
  session.notifications.push({ id, kind, at, from, postId, text });
  session.notifications.splice(0, session.notifications.length - MOST_NOTIFICATIONS);
  session.unread = Math.min(session.unread + 1, MOST_NOTIFICATIONS);
  view.showNotifications(session.notifications, session.unread, watch);
  keep();
}

/** Reads what the page shows, soon; those who ask in between are content with the same reading. */
function readSoon() {
  session.soon ||= setTimeout(() => {
    session.soon = 0;
    readAll();
  }, READ_AFTER_MS);
  clearTimeout(session.later);
  session.later = setTimeout(readAll, READ_AGAIN_AFTER_MS);
}

async function readAll() {
  const mine = session;
  const ids = [...mine.watched.keys()];
  const query = new URLSearchParams(ids.map((id) => ["id", id]));
  try {
    const [posts, today, trending] = await Promise.all([
      ids.length ? read(`posts?${query}`) : [],
      read(`top?window=day&limit=${RANKS}`),
      read(`trending?limit=${RANKS}`),
    ]);
    if (mine !== session) return;
    for (const counts of posts) if (mine.watched.has(counts.postId)) view.showCounts(mine.watched.get(counts.postId), counts);
    view.showRanks("today", today, "like", watch);
    view.showRanks("trending", trending, "point", watch);
    view.showState("counting", "on", "counters live");
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (mine !== session) return;
    for (const post of mine.watched.values()) view.showCounts(post, null);
    view.showState("counting", "bad", `counters away: ${error.message}`);
  }
}

// --- The page --------------------------------------------------------------------------------------------------------

function onSubmit(formId, inputId, does) {
  byId(formId).addEventListener("submit", async (event) => {
    event.preventDefault();
    const input = byId(inputId);
    if ((await does(input.value.trim())) !== false) input.value = "";
  });
}

function signIn(token) {
  view.showProblem("");
  try {
    begin(token);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    view.showProblem(error.message);
    return false;
  }
  byId("text").focus();
  return true;
}

onSubmit("sign-in-form", "token", signIn);
onSubmit("compose", "text", compose);
onSubmit("watch", "watch-id", watch);
onSubmit("follow", "follow-id", (targetUserId) => attempt({ type: "follow", targetUserId }, `You follow ${targetUserId}.`));
byId("sign-out").addEventListener("click", end);
byId("read-all").addEventListener("click", () => {
  session.unread = 0;
  view.showNotifications(session.notifications, 0, watch);
  keep();
  byId("told-title").scrollIntoView({ block: "nearest" });
});
setInterval(() => {
  if (session && !document.hidden) readSoon();
}, READ_EVERY_MS);

const kept = sessionStorage.getItem("feed:token");
if (kept) signIn(kept);
