import { playwright } from "@vitest/browser-playwright";
import { defineConfig } from "vitest/config";

// Everything runs in a real Chromium: there is no second, pretended DOM to be wrong about canvas and focus.
export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  optimizeDeps: {
    include: [
      "preact",
      "preact/hooks",
      "preact/jsx-runtime",
      "preact/jsx-dev-runtime",
      "@preact/signals",
      "axe-core",
    ],
  },
  test: {
    include: ["**/*.test.{ts,tsx}"],
    fileParallelism: false,
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      instances: [{ browser: "chromium", viewport: { width: 1280, height: 900 } }],
      provider: playwright({
        launchOptions: {
          executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
          args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        },
      }),
    },
  },
});
