/**
 * Opens every view that the navigation names on a stack with data, wide and narrow, light and dark.
 *
 *   DASHBOARD_URL=http://127.0.0.1:8080 node --test tests/e2e/views.test.mjs
 *
 * SCREENSHOTS names a folder for pictures (none without it); FIGURES a file that gets the figures of the home page as
 * JSON: `table`, a list of rows by heading, and `headline`, by name. WAIT_S is the patience with the server (60).
 * RESTART names a folder (no restart without it): once it holds `kill`, whoever runs this kills the API, and starts it
 * again once it holds `start`.
 */

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { NARROW, WIDE, eventually, launch, open, picture } from './chromium.mjs'

const url = process.env.DASHBOARD_URL
const waitMs = Number(process.env.WAIT_S ?? 60) * 1_000

let browser
let page
let complaints
let views = []

/** Nothing is loading, something is there, and no part of the view has failed. */
async function settled(name) {
  await eventually(
    page,
    name,
    () =>
      page.evaluate(() => {
        const main = document.querySelector('main')
        return main !== null && main.querySelector('.skeleton') === null && (main.textContent ?? '').length > 40
      }),
    waitMs,
  )
  const failed = await page.locator('main [role=alert]').allTextContents()
  assert.deepEqual(failed, [], `${name} shows an error`)
}

before(async () => {
  assert.ok(url, 'DASHBOARD_URL must name a running dashboard, for example http://127.0.0.1:8080')
  browser = await launch()
  ;({ page, complaints } = await open(browser, url))
  await settled('the home page')
  views = await page
    .locator('nav[aria-label=Views] a')
    .evaluateAll((links) => links.map((link) => ({ title: link.textContent.trim(), hash: link.hash })))
})

after(async () => {
  await browser?.close()
})

test('made-up data says so on the page', async () => {
  assert.match((await page.getByTestId('notice').textContent()) ?? '', /^Made up: /)
})

test('the figures of the home page can be read', async () => {
  const rows = page.locator('[data-testid=strategies] tbody tr')
  await eventually(page, 'seven strategies', async () => (await rows.count()) === 7, waitMs)
  const figures = await page.evaluate(() => {
    const large = (element) => {
      const copy = element.cloneNode(true)
      copy.querySelectorAll('small, svg, details').forEach((small) => small.remove())
      return copy.textContent.trim()
    }
    const table = document.querySelector('[data-testid=strategies]')
    const headings = [...table.querySelectorAll('thead th')].map((cell) => cell.textContent.replace(/[↑↓]/g, '').trim())
    const readRow = (row) => Object.fromEntries([...row.cells].map((cell, at) => [headings[at], large(cell)]))
    const headline = [...document.querySelectorAll('.headline dl > div')].map((part) => [
      part.querySelector('dt').textContent.trim(),
      large(part.querySelector('dd')),
    ])
    return { table: [...table.tBodies[0].rows].map(readRow), headline: Object.fromEntries(headline) }
  })
  assert.equal(figures.table.length, 7)
  if (process.env.FIGURES) writeFileSync(process.env.FIGURES, JSON.stringify(figures))
})

test('every view has its data, wide and narrow, light and dark, and nothing sticks out', async () => {
  assert.ok(views.length >= 3, `only ${views.length} views in the navigation`)
  for (const { title, hash } of views) {
    await page.setViewportSize(WIDE)
    await page.evaluate((to) => (window.location.hash = to), hash)
    await settled(title)
    for (const [size, viewport] of Object.entries({ wide: WIDE, narrow: NARROW })) {
      await page.setViewportSize(viewport)
      for (const colorScheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme })
        const inside = await eventually(
          page,
          `${title} fits, ${size} ${colorScheme}`,
          () => page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth),
          5_000,
        )
        assert.ok(inside)
        await picture(page, `${hash.replace(/^#\/?/, '') || 'home'}-${size}-${colorScheme}`)
      }
    }
  }
})

test('a part of the curves is chosen with the keyboard, and the link holds it and the switches', async () => {
  await page.setViewportSize(WIDE)
  await page.goto(`${url}/#/equity`)
  await settled('Equity')
  const curves = page.getByRole('group', { name: 'Curves' })
  await curves.getByRole('button', { name: /^Portfolio/ }).click()
  await curves.getByRole('button', { name: /^ETH/ }).click()
  await page.getByRole('slider').first().focus()
  for (let step = 0; step < 20; step += 1) await page.keyboard.press('ArrowRight')
  await eventually(page, 'the chosen part is in the link', () => page.evaluate(() => location.hash.includes('curve_from=')), waitMs)
  // Of two by name: which other curves there are depends on the part, whose data may still be on its way.
  const switches = () =>
    Promise.all([/^Portfolio/, /^ETH/].map((name) => curves.getByRole('button', { name }).getAttribute('aria-pressed')))
  const before = await switches()
  assert.equal(before[0], 'false')
  const hash = await page.evaluate(() => location.hash)
  await page.reload()
  await settled('Equity')
  assert.equal(await page.evaluate(() => location.hash), hash)
  await eventually(page, 'the same curves are off', async () => String(await switches()) === String(before), waitMs)
})

test('what is wrong with strategies, their limits, stops and targets are shown', async () => {
  await page.setViewportSize(WIDE)
  await page.goto(`${url}/#/strategies`)
  await settled('Strategies')
  for (const kind of ['failed', 'silent', 'daily_limit', 'paused', 'not_reloaded']) {
    assert.ok((await page.locator(`.card .alert.is-${kind}`).count()) >= 1, `no card says ${kind}`)
  }
  await page.goto(`${url}/#/positions`)
  await settled('Positions')
  assert.equal(await page.locator('[data-testid=risk] tbody tr').count(), 7)
  assert.ok((await page.locator('[data-testid=risk] progress').count()) >= 1, 'no use of a day limit is drawn')
  assert.ok((await page.locator('[data-testid=positions] .path-bar').count()) >= 1, 'no way from stop to target is drawn')
})

test('what a figure means is said to a finger and to the keyboard, below it, until Escape', async () => {
  const context = await browser.newContext({ viewport: NARROW, hasTouch: true, isMobile: true })
  const narrow = await context.newPage()
  await narrow.goto(url)
  // What it means comes by itself, some time after the figure: the title grows then.
  const term = narrow.locator('.headline dt[title*="="]').first()
  await term.waitFor({ timeout: waitMs })
  const tip = narrow.getByTestId('tip')
  const says = async () => {
    const meaning = await term.getAttribute('title')
    await eventually(narrow, 'the tip of the term', async () => (await tip.allTextContents())[0] === meaning, waitMs)
    const [above, below] = [await term.boundingBox(), await tip.boundingBox()]
    assert.ok(below.y >= above.y + above.height, 'the tip covers what it explains')
    assert.ok(below.x >= 0 && below.x + below.width <= NARROW.width, 'the tip sticks out')
    await narrow.keyboard.press('Escape')
    await tip.waitFor({ state: 'detached', timeout: waitMs })
  }
  await term.tap()
  await says()
  // The key before it tells the browser that the focus is one of a keyboard.
  await narrow.keyboard.press('Tab')
  await term.focus()
  await says()
  await context.close()
})

test('a link opens the same view', async () => {
  const { title, hash } = views.at(-1)
  await page.setViewportSize(WIDE)
  await page.goto(`${url}/${hash}`)
  await page.reload()
  await settled(title)
  assert.equal(await page.locator('nav[aria-label=Views] a[aria-current=page]').textContent(), title)
})

test('the trades view outlives a restart of the API without a reload', { skip: !process.env.RESTART }, async () => {
  const tell = (word) => writeFileSync(join(process.env.RESTART, word), '')
  const connection = page.getByTestId('connection')
  const first = page.locator('[data-testid=trades] tbody tr.row').first()
  const said = complaints.length
  await page.setViewportSize(WIDE)
  await page.goto(`${url}/#/trades`)
  await settled('Trades')
  await eventually(page, 'live', async () => (await connection.textContent()) === 'Live', waitMs)
  const before = await first.textContent()
  await page.evaluate(() => (window.sameDocument = true))
  tell('kill')
  await eventually(page, 'the page notices', async () => (await connection.textContent()) === 'Reconnecting', waitMs)
  assert.equal(await first.textContent(), before, 'what was there stays')
  // Asked while nobody answers: the page keeps asking by itself.
  await page.getByRole('button', { name: /^Result/ }).click()
  tell('start')
  await eventually(page, 'live again', async () => (await connection.textContent()) === 'Live', waitMs)
  await eventually(page, 'the other order has come', async () => (await first.textContent()) !== before, waitMs)
  await eventually(page, 'nothing is lost any more', async () => (await page.getByTestId('lost').count()) === 0, waitMs)
  await settled('Trades after the restart')
  assert.equal(await page.evaluate(() => window.sameDocument), true, 'the page was not loaded again')
  // The browser itself notes every connection that is refused, and what an API without its database says (503);
  // nothing else may be among them.
  const refused = /ERR_CONNECTION_|ERR_EMPTY_RESPONSE|WebSocket connection|status of 503/
  assert.deepEqual(complaints.splice(said).filter((text) => !refused.test(text)), [])
})

test('the browser has nothing to complain about', () => {
  assert.deepEqual(complaints, [])
})
