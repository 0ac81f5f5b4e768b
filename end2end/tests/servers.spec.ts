// Three tabs on three servers, over real Kafka, Redis and PostgreSQL, while a server and Redis are killed.

import { Cluster } from './support/cluster.ts';
import { expect, test as base } from './support/test.ts';

const test = base.extend<{ cluster: Cluster }>({
  // Before the servers, so that it ends after them.
  cluster: async ({}, use) => {
    const cluster = await Cluster.start();
    await use(cluster);
    await cluster.end();
  },
  startServer: async ({ cluster: _, startServer }, use) => use(startServer),
});

test('three tabs on three servers end with the same rows while a server and Redis are killed', async ({ cluster, startServer, newcomer }) => {
  test.setTimeout(180_000);
  const servers = [
    await startServer(cluster.options('all')),
    await startServer(cluster.options('web')),
    await startServer(cluster.options('all')),
  ];
  const tabs = await Promise.all(servers.map((server) => newcomer(server.room('room1'))));
  const said: string[] = [];
  const everybodyWrites = async () => {
    for (const [index, tab] of tabs.entries()) {
      const text = `Message ${said.length} of tab ${index}`;
      said.push(text);
      await tab.say(text);
    }
  };
  const shown = async () => Promise.all(tabs.map((tab) => tab.bubbles.allTextContents()));

  await everybodyWrites();
  for (const tab of tabs) for (const text of said) await tab.sees(text);

  await cluster.redis.kill();
  await everybodyWrites();
  for (const tab of tabs) for (const text of said) await tab.sees(text);

  // With the first server go a third of the readers and the one that fills the store.
  await servers[0]?.kill();
  await everybodyWrites();
  await everybodyWrites();
  await cluster.redis.start();
  await servers[0]?.start();
  await everybodyWrites();

  await expect.poll(async () => (await shown()).map((texts) => texts.toSorted()), { timeout: 60_000 }).toEqual(tabs.map(() => said.toSorted()));
  const [first, ...others] = await shown();
  for (const other of others) expect(other).toEqual(first);
  // And that is what every server tells whoever comes anew.
  for (const server of servers) {
    const answer = await fetch(`${server.origin}/api/rooms/room1/messages?limit=200`);
    const page = (await answer.json()) as { items: { message: string }[] };
    expect(page.items.map(({ message }) => message)).toEqual(first);
  }
});
