import { defineConfig, type ReporterDescription } from '@playwright/test';

const ci = process.env.CI === 'true';
const reporter: ReporterDescription[] = [['list']];
if (ci) reporter.push(['json', { outputFile: 'test-results/report.json' }]);

export default defineConfig({
  testDir: 'tests',
  globalSetup: './tests/support/setup.ts',
  outputDir: 'test-results/files',
  reporter,
  fullyParallel: true,
  workers: 2,
  // What measures time has the machine to itself.
  projects: [
    { name: 'all', testIgnore: [/speed\.spec/, /lighthouse\.spec/] },
    { name: 'speed', testMatch: /speed\.spec/, fullyParallel: false, dependencies: ['all'] },
    { name: 'lighthouse', testMatch: /lighthouse\.spec/, dependencies: ['speed'] },
  ],
  retries: 0,
  forbidOnly: ci,
  timeout: 30_000,
  expect: { timeout: 10_000 },
  use: {
    browserName: 'chromium',
    launchOptions: {
      executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        // A host that is not localhost, so that plain HTTP is what it is on a LAN; see plain.spec.ts.
        '--host-resolver-rules=MAP lan.test 127.0.0.1',
      ],
    },
    locale: 'en-GB',
    timezoneId: 'Europe/Berlin',
    contextOptions: { reducedMotion: 'reduce' },
    screenshot: 'only-on-failure',
  },
});
