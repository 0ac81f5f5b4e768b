// Long rooms and fast rooms. Figures are printed, and kept as annotations of the test.

import type { CDPSession } from '@playwright/test';

import { DRAWN, scrollThrough } from './support/reader.ts';
import type { Room } from './support/server.ts';
import type { Tab } from './support/tab.ts';
import { expect, test } from './support/test.ts';
import { WireUser, lines } from './support/wire.ts';

/** A task longer than this keeps somebody waiting. */
const TASK_MS = 50;
const LONG = Number(process.env.SPEED_MESSAGES ?? 50_000);
const BACK = 5_000;
const WRITERS = 8;
const NODES = 1_400;
const RATE = 50;
const SECONDS = Number(process.env.SPEED_SECONDS ?? 60);

declare global {
  interface Window {
    tasks: Tasks;
    memory: WebAssembly.Memory | undefined;
  }
}

interface Tasks {
  /** How long each task took that the browser calls long, in ms. */
  long: number[];
  /** The longest wait between two frames, in ms. */
  frames: number[];
  elements: number;
  rows: number;
}

function note(what: string, figure: string): void {
  console.log(`${what}: ${figure}`);
  test.info().annotations.push({ type: what, description: figure });
}

/** From now on, notes long tasks, and how much is in the page at each frame. */
async function measure(tab: Tab): Promise<void> {
  await tab.page.evaluate(() => {
    const tasks: Tasks = (window.tasks = { long: [], frames: [], elements: 0, rows: 0 });
    new PerformanceObserver((list) => tasks.long.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: 'longtask' });
    let last = performance.now();
    const all = document.getElementsByTagName('*');
    const rows = document.getElementsByTagName('article');
    const frame = (now: number) => {
      tasks.frames.push(now - last);
      last = now;
      tasks.elements = Math.max(tasks.elements, all.length);
      tasks.rows = Math.max(tasks.rows, rows.length);
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
}

const percentile = (values: number[], part: number) => values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))] ?? 0;

/**
 * The 99th percentile of all tasks. Browsers tell only of those above 50 ms, so the others count as frames: a frame is at
 * least one task.
 */
function summary(tasks: Tasks): { p99: number; worst: number; text: string } {
  const all = [...tasks.frames.map(() => 0), ...tasks.long];
  const [p99, worst] = [percentile(all, 0.99), Math.max(0, ...tasks.long)];
  const text = `${tasks.long.length} tasks over ${TASK_MS} ms in ${tasks.frames.length} frames, p99 ${p99 === 0 ? `≤ ${TASK_MS}` : p99.toFixed(0)} ms, worst ${worst.toFixed(0)} ms, frame p99 ${percentile(tasks.frames, 0.99).toFixed(0)} ms, at most ${tasks.rows} rows and ${tasks.elements} elements`;
  return { p99, worst, text };
}

/** Fills a room, several writers at once. */
async function fill(room: Room, count: number): Promise<void> {
  const started = Date.now();
  const writers = await Promise.all(Array.from({ length: WRITERS }, (_, index) => WireUser.connect(room, `Writer ${index}`)));
  await Promise.all(writers.map((writer, index) => writer.say(...lines(count / WRITERS, index * count))));
  writers.forEach((writer) => writer.close());
  const seconds = (Date.now() - started) / 1_000;
  note('filled', `${count} messages in ${seconds.toFixed(1)} s, ${(count / seconds).toFixed(0)} a second`);
}

/** Scrolls up as a wheel does until so many messages have passed. */
async function scrollBack(tab: Tab, count: number): Promise<void> {
  await tab.log.evaluate(async (log, count) => {
    const first = () => Number(log.querySelector<HTMLElement>('[data-seq]')?.dataset.seq);
    const goal = first() - count;
    const deadline = performance.now() + 120_000;
    while (first() > goal) {
      if (performance.now() > deadline) throw new Error(`stuck at ${first()}, wanted ${goal}`);
      log.scrollBy(0, -400);
      await new Promise(requestAnimationFrame);
    }
  }, count);
}

test(`a room of ${LONG} messages opens and scrolls ${BACK} back without a long task, and the page stays small`, async ({ startServer, unopened }) => {
  test.setTimeout(600_000);
  const room = (await startServer()).room('room1');
  await fill(room, LONG);

  const runs = [];
  for (let run = 0; run < 3; run++) {
    const ada = await unopened(room);
    const started = Date.now();
    await ada.load();
    await expect(ada.rows.last()).toBeInViewport();
    const open = Date.now() - started;
    await measure(ada);
    const scrolled = Date.now();
    await scrollBack(ada, BACK);
    const tasks = await ada.page.evaluate(() => window.tasks);
    const figures = summary(tasks);
    note(`run ${run + 1}`, `open ${open} ms, ${BACK} back in ${Date.now() - scrolled} ms: ${figures.text}`);
    expect(tasks.rows).toBeLessThanOrEqual(DRAWN);
    expect(tasks.elements).toBeLessThanOrEqual(NODES);
    runs.push(figures.p99);
    await ada.page.context().close();
  }
  expect(runs.filter((p99) => p99 <= TASK_MS).length, 'runs of three without long tasks').toBeGreaterThanOrEqual(2);
});

/** What the page holds once its garbage is gone: JavaScript, the client's own memory, and what hangs on the document. */
async function held(tab: Tab, devtools: CDPSession): Promise<{ heap: number; wasm: number; nodes: number; listeners: number }> {
  for (let round = 0; round < 3; round++) await devtools.send('HeapProfiler.collectGarbage');
  const { metrics } = await devtools.send('Performance.getMetrics');
  const metric = (wanted: string) => metrics.find(({ name }) => name === wanted)?.value ?? NaN;
  const wasm = await tab.page.evaluate(() => window.memory?.buffer.byteLength ?? NaN);
  return { heap: metric('JSHeapUsedSize'), wasm, nodes: metric('Nodes'), listeners: metric('JSEventListeners') };
}

/** Runs before the client: keeps hold of its memory. */
function keepMemory(): void {
  const { instantiateStreaming } = WebAssembly;
  WebAssembly.instantiateStreaming = async (...args) => {
    const started = await instantiateStreaming(...args);
    window.memory = started.instance.exports.memory as WebAssembly.Memory;
    return started;
  };
}

test(`${RATE} messages a second for ${SECONDS} s come into an open room without a long task, and memory stays flat`, async ({ startServer, unopened }) => {
  test.setTimeout(240_000);
  const room = (await startServer()).room('room1');
  const lin = await WireUser.connect(room, 'Lin');
  const ada = await unopened(room);
  await ada.page.addInitScript(keepMemory);
  await ada.load();
  const devtools = await ada.page.context().newCDPSession(ada.page);
  await devtools.send('Performance.enable');
  let count = 0;
  const pour = async (seconds: number) => {
    const started = Date.now();
    const end = count + seconds * RATE;
    const first = count;
    while (count < end) {
      const due = first + ((Date.now() - started) / 1_000) * RATE;
      if (count > due) await new Promise((resolve) => setTimeout(resolve, 5));
      else await lin.say(`Line ${count++}`);
    }
    return (Date.now() - started) / 1_000;
  };
  // Until as many rows are kept as ever will be.
  await pour(15);
  await expect(ada.row(`Line ${count - 1}`)).toBeInViewport();
  const before = await held(ada, devtools);

  await measure(ada);
  const seconds = await pour(SECONDS);
  await expect(ada.row(`Line ${count - 1}`)).toBeInViewport();
  const tasks = await ada.page.evaluate(() => window.tasks);
  await ada.page.evaluate(() => (window.tasks.frames.length = 0));
  const after = await held(ada, devtools);
  const figures = summary(tasks);
  note('fast room', `${(SECONDS * RATE) / seconds} a second for ${seconds.toFixed(0)} s: ${figures.text}`);
  note('memory before', JSON.stringify(before));
  note('memory after', JSON.stringify(after));
  expect(figures.p99, 'p99 of all tasks in ms').toBeLessThanOrEqual(TASK_MS);
  expect(tasks.rows).toBeLessThanOrEqual(DRAWN);
  expect(tasks.elements).toBeLessThanOrEqual(NODES);
  // 3,000 messages came. A tenth of what was there before, or a megabyte, is noise.
  expect(after.heap - before.heap, 'bytes of JavaScript').toBeLessThanOrEqual(Math.max(1e6, before.heap / 10));
  expect(after.wasm - before.wasm, 'bytes of the client').toBeLessThanOrEqual(1e6);
  expect(after.nodes, 'nodes').toBeLessThanOrEqual(1.1 * before.nodes);
  expect(after.listeners, 'listeners').toBeLessThanOrEqual(1.1 * before.listeners);
  expect((await scrollThrough(ada, 'down')).disorder).toEqual([]);
  lin.close();
});
