/**
 * Drives the dashboard of a running stack in a real browser.
 *
 *   DASHBOARD_URL=http://127.0.0.1:8080 node --test tests/e2e/dashboard.test.mjs
 *
 * SCREENSHOTS names a folder for pictures (none without it).
 * WAIT_S is how long the stack may take to have traded (60).
 */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { NARROW, WIDE, launch, open, eventually as patiently, picture } from './chromium.mjs'

const url = process.env.DASHBOARD_URL
const waitMs = Number(process.env.WAIT_S ?? 60) * 1_000
let browser
let page
let complaints
const eventually = (what, probe) => patiently(page, what, probe, waitMs)

const market = () => page.locator('.market')
const text = async (id) => {
  const found = page.getByTestId(id)
  return (await found.count()) ? ((await found.first().textContent()) ?? '') : ''
}
const number = async (id) => Number((await text(id)).replaceAll(',', ''))

before(async () => {
  assert.ok(url, 'DASHBOARD_URL must name a running dashboard, for example http://127.0.0.1:8080')
  browser = await launch()
  ;({ page, complaints } = await open(browser, url))
})

after(async () => {
  await browser?.close()
})

test('the connection is live', async () => {
  await eventually('connection', async () => (await text('connection')).includes('Live'))
})

test('candles are drawn', async () => {
  await eventually('candles', async () => Number(await page.getByTestId('candles').getAttribute('data-candles')) > 10)
  assert.ok(await page.locator('[data-testid=candles] canvas').first().isVisible())
  // A canvas that was drawn on has pixels of more than one colour.
  const colours = await page.locator('[data-testid=candles] canvas').evaluateAll((canvases) => {
    const seen = new Set()
    for (const canvas of canvases) {
      const { width, height } = canvas
      if (!width || !height) continue
      const pixels = canvas.getContext('2d').getImageData(0, 0, width, height).data
      for (let at = 0; at < pixels.length; at += 4 * 7) seen.add(`${pixels[at]},${pixels[at + 1]},${pixels[at + 2]}`)
    }
    return seen.size
  })
  assert.ok(colours > 3, `only ${colours} colours on the candle chart`)
})

test('strategies are listed', async () => {
  const rows = page.locator('[data-testid=strategies] tbody tr')
  await eventually('strategies', async () => (await rows.count()) >= 1)
})

test('a position was opened or has been closed', async () => {
  await eventually('position', async () => {
    const open = await page.locator('[data-testid=positions] tbody tr').count()
    const filled = await page.locator('[data-testid=activity] li').count()
    return open > 0 || filled > 0
  })
})

test('the equity curve grows without a reload', async () => {
  const first = await eventually('equity points', async () => await number('equity-points'))
  await eventually(`more than ${first} equity points`, async () => (await number('equity-points')) > first)
  // Flat, as before the first fill, it has no height and counts as invisible.
  await eventually('a curve', () => page.locator('.equity .recharts-line-curve').first().isVisible())
  assert.match(await text('equity-usd'), /^\d{1,3}(,\d{3})*\.\d{2}$/)
})

test('market time moves and is in UTC', async () => {
  const first = await text('event-time')
  assert.match(first, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/)
  await eventually('a later market time', async () => (await text('event-time')) > first)
})

test('every service is heard', async () => {
  await eventually('services', async () => (await page.locator('[data-testid=services] .is-down').count()) === 0)
})

test('a keyboard sorts the strategies', async () => {
  const heading = page.getByRole('columnheader', { name: 'Trades' })
  await heading.getByRole('button').focus()
  await page.keyboard.press('Enter')
  assert.equal(await heading.getAttribute('aria-sort'), 'descending')
  await page.keyboard.press('Enter')
  assert.equal(await heading.getAttribute('aria-sort'), 'ascending')
})

test('data quality and prediction markets have views of their own', async () => {
  const views = page.getByRole('navigation', { name: 'Views' })
  await views.getByRole('link', { name: 'Data quality' }).click()
  await eventually('a channel in the calendar', async () => (await page.locator('[data-testid=coverage] tbody tr').count()) > 0)
  assert.match(await page.locator('.gaps').textContent(), /No hole has been seen|lost|filled|open/)
  await views.getByRole('link', { name: 'Polymarket' }).click()
  await eventually('markets, or why there are none', async () =>
    /Probability|No prediction market|No followed market/.test((await page.locator('.markets').textContent()) ?? ''),
  )
  await views.getByRole('link', { name: 'Dashboard' }).click()
  await eventually('strategies again', () => page.getByTestId('strategies').isVisible())
})

test('another asset and interval are drawn', async () => {
  await market().getByRole('radio', { name: 'ETH' }).check()
  await market().getByRole('radio', { name: '5m', exact: true }).check()
  await eventually('candles of ETH', async () =>
    ((await page.getByTestId('candles').getAttribute('aria-label')) ?? '').includes('ETH'),
  )
})

test('wide and narrow, light and dark, nothing sticks out', async () => {
  await market().getByRole('radio', { name: 'BTC' }).check()
  await market().getByRole('radio', { name: '1m', exact: true }).check()
  for (const [size, viewport] of Object.entries({ wide: WIDE, narrow: NARROW })) {
    for (const colorScheme of ['light', 'dark']) {
      await page.setViewportSize(viewport)
      await page.emulateMedia({ colorScheme })
      await page.waitForTimeout(600)
      const inside = await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)
      assert.ok(inside, `${size} ${colorScheme} scrolls sideways`)
      await picture(page, `dashboard-${size}-${colorScheme}`)
    }
  }
})

test('the browser has nothing to complain about', () => {
  assert.deepEqual(complaints, [])
})
