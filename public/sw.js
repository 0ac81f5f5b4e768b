// Keeps the shell of the application, so that without a network the rooms, drafts and unsent messages are there.
//
// What it promises: while the server answers, every page comes from the server; an old client never meets a new one.
// Nothing under /api or /ws is ever touched, and no message is kept. The shell is the page /offline with the files that it
// names; their addresses contain a hash, so each is kept until a shell comes that does not name it any more.

const CACHE = 'shell';
const SHELL = '/offline';
const PACKAGE = /\/pkg\/[0-9a-f]{16}\/[\w.-]+/g;
const AWAY = [502, 503, 504];

self.addEventListener('install', (event) => {
  self.skipWaiting();
  event.waitUntil(refresh());
});

self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== location.origin) return;
  if (request.mode === 'navigate') {
    if (url.pathname === '/' || url.pathname.startsWith('/rooms/')) event.respondWith(page(event, url));
  } else if (url.pathname.startsWith('/pkg/')) {
    event.respondWith(kept(request));
  } else if (url.pathname === '/favicon.svg') {
    event.respondWith(fetch(request).catch(() => kept(request)));
  }
});

async function page(event, url) {
  let answer;
  try {
    answer = await fetch(event.request);
  } catch {
    // No network, or no server.
  }
  if (answer && !AWAY.includes(answer.status)) {
    // The shell of this server, for the next time without it.
    event.waitUntil(refresh().catch(() => {}));
    return answer;
  }
  const shell = await (await caches.open(CACHE)).match(SHELL);
  if (!shell) return answer ?? Response.error();
  if (url.pathname !== '/') return shell;
  const first = /"rooms":\[\{"room":"([\w-]+)"/.exec(await shell.text());
  return first ? Response.redirect(`/rooms/${first[1]}`) : Response.error();
}

async function kept(request) {
  const found = await (await caches.open(CACHE)).match(request, { ignoreVary: true });
  return found ?? fetch(request);
}

/** Fetches the shell and what it needs, then forgets what the last one needed. */
async function refresh() {
  const answer = await fetch(SHELL, { cache: 'no-store' });
  if (!answer.ok) throw new Error(`${SHELL}: ${answer.status}`);
  const files = [...new Set((await answer.clone().text()).match(PACKAGE)), '/favicon.svg'];
  const cache = await caches.open(CACHE);
  const missing = [];
  for (const file of files) {
    if (!(await cache.match(file, { ignoreVary: true }))) missing.push(file);
  }
  await cache.addAll(missing);
  await cache.put(SHELL, answer);
  for (const { url } of await cache.keys()) {
    const { pathname } = new URL(url);
    if (pathname !== SHELL && !files.includes(pathname)) await cache.delete(url);
  }
}
