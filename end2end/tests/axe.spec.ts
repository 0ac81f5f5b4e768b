import { AxeBuilder } from '@axe-core/playwright';

import { PHONE, STATES, VIEWS, view } from './support/states.ts';
import type { Tab } from './support/tab.ts';
import { expect, test } from './support/test.ts';
import { write } from './support/wire.ts';

for (const [name, reach] of Object.entries(STATES)) {
  test(`axe finds nothing serious in the state "${name}"`, async ({ startServer, unopened, newcomer, calm }) => {
    const tab = await reach({ startServer, unopened, newcomer, calm });
    for (const reader of VIEWS) {
      await view(tab, reader);
      await expectAccessible(tab, reader.name);
    }
  });
}

test('axe finds nothing serious in the open drawer', async ({ startServer, newcomer }) => {
  const room = (await startServer()).room('room1');
  const tab = await newcomer(room, { viewport: PHONE });
  await tab.page.getByRole('main').getByRole('button', { name: /^Rooms/ }).click();
  await expect(tab.link(room)).toBeInViewport();
  for (const reader of VIEWS.slice(2)) {
    await view(tab, reader);
    await expectAccessible(tab, reader.name);
  }
});

test('axe finds nothing serious when light or dark are chosen against the system, and in the compact density', async ({ startServer, newcomer }) => {
  const room = (await startServer()).room('room1');
  const tab = await newcomer(room);
  await write(room, 'Lin', 'Hello');
  await tab.say('Hello, Lin');
  await tab.sees('Hello, Lin');
  await tab.openSettings();
  await tab.settings.getByRole('group', { name: 'Density' }).getByRole('radio', { name: 'Compact' }).check();
  for (const [theme, colorScheme] of [['Dark', 'light'], ['Light', 'dark']] as const) {
    await tab.page.emulateMedia({ colorScheme });
    await tab.settings.getByRole('group', { name: 'Theme' }).getByRole('radio', { name: theme }).check();
    await expectAccessible(tab, `${theme} against ${colorScheme}, settings`);
    await tab.closeSettings();
    await expectAccessible(tab, `${theme} against ${colorScheme}`);
    await tab.openSettings();
  }
});

async function expectAccessible(tab: Tab, reader: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page: tab.page }).setLegacyMode(true).analyze();
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  const found = serious.flatMap(({ id, help, nodes }) => nodes.map((node) => `${id}: ${help}: ${node.html} ${node.failureSummary}`));
  expect(found, reader).toEqual([]);
}
