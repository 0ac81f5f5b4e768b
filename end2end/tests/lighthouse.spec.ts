// Lighthouse on a room, as on a desk. It measures times, so it runs against a release binary and needs the machine.

import lighthouse, { desktopConfig } from 'lighthouse';
import { chromium } from '@playwright/test';

import { freePort } from './support/port.ts';
import { expect, test } from './support/test.ts';
import { write } from './support/wire.ts';

const BARS: Record<string, number> = { performance: 0.9, accessibility: 1, 'best-practices': 0.95 };

test('Lighthouse is content with a room', async ({ room }, info) => {
  test.setTimeout(120_000);
  await write(room, 'Lin', 'The mirror is **back** from coating.', '`94 %` reflectivity', 'Photos: https://example.org/');
  const port = await freePort();
  const { executablePath, args = [] } = info.project.use.launchOptions ?? {};
  const browser = await chromium.launch({ executablePath, args: [...args, `--remote-debugging-port=${port}`] });
  const onlyCategories = Object.keys(BARS);
  const result = await lighthouse(`${room.origin}/rooms/${room.name}`, { port, onlyCategories, logLevel: 'error' }, desktopConfig);
  await browser.close();
  const { categories = {}, audits = {} } = result?.lhr ?? {};
  const scores = Object.fromEntries(Object.entries(categories).map(([name, { score }]) => [name, score]));
  info.annotations.push({ type: 'scores', description: JSON.stringify(scores) });
  console.log(`lighthouse: ${JSON.stringify(scores)}`);
  const short = Object.values(audits).filter(({ score }) => score !== null && score < 0.9);
  for (const [name, bar] of Object.entries(BARS)) {
    const why = `${name}: ${short.map(({ id, displayValue }) => `${id} ${displayValue ?? ''}`).join(', ')}`;
    expect(scores[name] ?? 0, why).toBeGreaterThanOrEqual(bar);
  }
});
