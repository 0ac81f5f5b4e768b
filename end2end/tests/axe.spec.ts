import { AxeBuilder } from '@axe-core/playwright';

import { PHONE, STATES, VIEWS, view } from './support/states.ts';
import type { Tab } from './support/tab.ts';
import { expect, test } from './support/test.ts';

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

async function expectAccessible(tab: Tab, reader: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page: tab.page }).setLegacyMode(true).analyze();
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  const found = serious.flatMap(({ id, help, nodes }) => nodes.map((node) => `${id}: ${help}: ${node.html} ${node.failureSummary}`));
  expect(found, reader).toEqual([]);
}
