// What every test begins with: a running server, rooms of its own, people with browsers, and nothing that goes wrong unseen.

import { type BrowserContextOptions, expect, test as base } from '@playwright/test';

import { Calm } from './calm.ts';
import { Proxy } from './proxy.ts';
import { type Room, Server, type ServerOptions } from './server.ts';
import { Tab } from './tab.ts';

export { expect };

/** More than a worker has tests. */
const ROOMS = 100;

export interface Fixtures {
  /** What browsers may complain about in this test. */
  calm: Calm;
  /** A room that no other test uses. */
  room: Room;
  /** A second one. */
  otherRoom: Room;
  /** Somebody new opens a room, in a browser of their own. */
  newcomer: (room: Room, options?: BrowserContextOptions) => Promise<Tab>;
  /** The same, before the page is loaded. */
  unopened: (room: Room, options?: BrowserContextOptions) => Promise<Tab>;
  /** Starts a server for this test alone. */
  startServer: (options?: ServerOptions) => Promise<Server>;
  /** A proxy before the server of this room. */
  proxyOf: (room: Room) => Promise<Proxy>;
}

interface WorkerFixtures {
  /** The server that all tests of a worker share. */
  server: Server;
  nextRoom: () => Room;
}

export const test = base.extend<Fixtures, WorkerFixtures>({
  server: [
    async ({}, use) => {
      const rooms = Array.from({ length: ROOMS }, (_, index) => String(index).padStart(2, '0'));
      const server = await Server.start({ rooms: Object.fromEntries(rooms.map((n) => [`t${n}`, `Room ${n}`])) });
      await use(server);
      await server.dispose();
    },
    { scope: 'worker' },
  ],

  nextRoom: [
    async ({ server }, use) => {
      const names = Object.keys(server.rooms).values();
      await use(() => {
        const name = names.next();
        if (name.done) throw new Error(`a worker took more than ${ROOMS} rooms: raise ROOMS`);
        return server.room(name.value);
      });
    },
    { scope: 'worker' },
  ],

  room: async ({ nextRoom }, use) => use(nextRoom()),
  otherRoom: async ({ nextRoom }, use) => use(nextRoom()),

  calm: [
    async ({}, use) => {
      const calm = new Calm();
      await use(calm);
      calm.check();
    },
    { auto: true },
  ],

  // The browser that Playwright itself offers as `page` and `context` is watched like all others.
  context: async ({ context, calm }, use) => {
    await calm.watch(context);
    await use(context);
  },

  // Proxies and servers come first, so that they go last: no browser sees them go at the end.
  unopened: async ({ browser, calm, startServer: _, proxyOf: __ }, use) => {
    const contexts: { close: () => Promise<void> }[] = [];
    await use(async (room, options) => {
      calm.allow(room.origin);
      const context = await browser.newContext(options);
      contexts.push(context);
      await calm.watch(context);
      return new Tab(await context.newPage(), room);
    });
    for (const context of contexts) await context.close();
  },

  newcomer: async ({ unopened }, use) => {
    await use(async (room, options) => (await unopened(room, options)).load());
  },

  startServer: async ({}, use) => {
    const servers: Server[] = [];
    await use(async (options) => {
      const server = await Server.start(options);
      servers.push(server);
      return server;
    });
    for (const server of servers) await server.dispose();
  },

  proxyOf: async ({ startServer: _ }, use) => {
    const proxies: Proxy[] = [];
    await use(async (room) => {
      const proxy = await Proxy.start(room.origin);
      proxies.push(proxy);
      return proxy;
    });
    for (const proxy of proxies) await proxy.close();
  },
});
