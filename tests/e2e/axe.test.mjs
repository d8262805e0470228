/**
 * Looks for barriers in every view that the navigation names, in light and dark, wide and narrow.
 *
 *   DASHBOARD_URL=http://127.0.0.1:8080 node --test tests/e2e/axe.test.mjs
 *
 * CHROMIUM names the browser (else /usr/bin/chromium). VIEWS=#/trades,#/research?study=1 names other addresses than those
 * of the navigation. WAIT_S is the patience with the server (60).
 */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { after, before, test } from 'node:test'

const require = createRequire(new URL('../../frontend/package.json', import.meta.url))
const { chromium } = require('playwright-core')
const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8')

const url = process.env.DASHBOARD_URL
const waitMs = Number(process.env.WAIT_S ?? 60) * 1_000
const LOOKS = [
  { name: 'light, wide', colorScheme: 'light', viewport: { width: 1440, height: 900 } },
  { name: 'dark, narrow', colorScheme: 'dark', viewport: { width: 380, height: 800 } },
]
const BARRIERS = ['serious', 'critical']
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']

let browser

before(async () => {
  assert.ok(url, 'DASHBOARD_URL must name a running dashboard, for example http://127.0.0.1:8080')
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
  })
})

after(async () => {
  await browser?.close()
})

async function addresses(page) {
  if (process.env.VIEWS) return process.env.VIEWS.split(',')
  await page.goto(url)
  await page.locator('nav.views a').first().waitFor({ state: 'attached', timeout: waitMs })
  return page.locator('nav.views a').evaluateAll((links) => links.map((link) => link.getAttribute('href')))
}

/** What is wrong with the view as it stands: rule, how bad, the first places, what axe advises. */
async function barriers(page) {
  const { violations } = await page.evaluate((tags) => globalThis.axe.run(document, { runOnly: tags }), RULES)
  return violations
    .filter(({ impact }) => BARRIERS.includes(impact))
    .map(({ id, impact, nodes }) => {
      const places = nodes.slice(0, 4).map((node) => `    ${node.target.join(' ')}: ${node.failureSummary?.split('\n')[1]?.trim()}`)
      return `  ${id} (${impact}), ${nodes.length} places:\n${places.join('\n')}`
    })
}

for (const { name, ...look } of LOOKS) {
  test(`no view has a serious barrier: ${name}`, async () => {
    const page = await browser.newPage({ ...look, reducedMotion: 'reduce' })
    const views = await addresses(page)
    assert.ok(views.length > 1, 'the navigation names no views')
    await page.goto(url)
    await page.evaluate(AXE)
    const found = []
    for (const view of views) {
      // Within one document: the script stays, and the views change as they do for a reader.
      await page.evaluate(async (hash) => {
        window.location.hash = hash
        // The event of the change comes later, and what it draws by the second frame.
        for (let frame = 0; frame < 2; frame += 1) await new Promise((drawn) => requestAnimationFrame(drawn))
      }, view)
      await page.waitForFunction(
        () => {
          const main = document.querySelector('main')
          return main !== null && main.querySelector('.skeleton') === null && (main.textContent ?? '').length > 40
        },
        undefined,
        { timeout: waitMs },
      )
      const wrong = await barriers(page)
      if (wrong.length) found.push(`${view}\n${wrong.join('\n')}`)
    }
    await page.close()
    assert.ok(found.length === 0, `\n${found.join('\n')}\n`)
  })
}
