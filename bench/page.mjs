/**
 * `node bench/page.mjs load URL RUNS`: how long a new browser takes to the largest paint, and what it loads.
 * `node bench/page.mjs scroll URL FRAMES`: ms of each frame while the trades are scrolled, how many rows there are, and
 *   which one was seen last.
 * `node bench/page.mjs fills URL`: when each fill was drawn, ms since the epoch by its id, until SIGUSR2 (SIGTERM closes the browser).
 *
 * One line of JSON each.
 */

import { eventually, launch, open } from '../tests/e2e/chromium.mjs'

const [what, url, runs] = process.argv.slice(2)

/** Largest contentful paint in ms, and bytes of JavaScript as they came over the wire. */
async function load(browser) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
  const page = await context.newPage()
  await page.addInitScript(() => {
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) window.largest = entry.startTime
    }).observe({ type: 'largest-contentful-paint', buffered: true })
  })
  await page.goto(url)
  const rows = page.locator('[data-testid=strategies] tbody tr')
  await eventually(page, 'strategies', async () => (await rows.count()) > 0, 60_000)
  await eventually(page, 'nothing is loading', () => page.evaluate(() => !document.querySelector('main .skeleton')), 60_000)
  const found = await page.evaluate(() => ({
    lcp: window.largest,
    scripts: performance
      .getEntriesByType('resource')
      .filter((entry) => new URL(entry.name).pathname.endsWith('.js'))
      .reduce((sum, entry) => sum + entry.encodedBodySize, 0),
  }))
  await context.close()
  return found
}

/**
 * A wheel that turns without a pause, four rows a frame: rows are drawn and pages of more of them come meanwhile. At the
 * beginning and at three places further down, to the end; on the way there, which is not measured, everything is loaded.
 */
async function scroll(browser, frames) {
  const { page } = await open(browser, `${url}/#/trades`)
  const rows = page.locator('[data-testid=trades] tbody tr.row')
  await eventually(page, 'trades', async () => (await rows.count()) > 0, 60_000)
  const found = await page.evaluate(async (wanted) => {
    const scroller = document.querySelector('.trades-scroller')
    const total = Number(scroller.querySelector('table').getAttribute('aria-rowcount')) - 1
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve))
    const took = []
    for (const place of [0, 1 / 3, 2 / 3, 1]) {
      // Before the last stretch, as much is left as it takes.
      const row = Math.max(0, Math.floor(Math.min(total * place, total - wanted)))
      while (Math.round(scroller.scrollTop / 44) < row) {
        scroller.scrollTop = row * 44
        await frame()
      }
      for (let settled = 0; settled < 30; settled += 1) await frame()
      let before = await frame()
      for (let count = 0; count < wanted / 4; count += 1) {
        scroller.scrollTop += 176
        const now = await frame()
        took.push(now - before)
        before = now
      }
    }
    return { frames: took, total, reached: Math.round((scroller.scrollTop + scroller.clientHeight) / 44) }
  }, frames)
  return found
}

/** Notes when a line of the feed has been drawn: in the frame after it came into the document. */
function note() {
  window.drawn = {}
  const seen = (node) => {
    const lines = node instanceof Element ? [node, ...node.querySelectorAll('[data-id]')] : []
    for (const line of lines) {
      const id = line.getAttribute('data-id')
      if (id?.startsWith('fl:') && !(id in window.drawn)) {
        window.drawn[id] = 0
        requestAnimationFrame(() => requestAnimationFrame(() => (window.drawn[id] = Date.now())))
      }
    }
  }
  new MutationObserver((changes) => {
    for (const change of changes) {
      if (change.type === 'attributes') seen(change.target)
      else for (const node of change.addedNodes) seen(node)
    }
  }).observe(document.documentElement, {
    childList: true, subtree: true, attributes: true, attributeFilter: ['data-id'],
  })
}

const browser = await launch()
if (what === 'load') {
  const found = []
  for (let run = 0; run < Number(runs); run += 1) found.push(await load(browser))
  console.log(JSON.stringify(found))
} else if (what === 'scroll') {
  console.log(JSON.stringify(await scroll(browser, Number(runs))))
} else {
  const { page } = await open(browser, url)
  await page.evaluate(note)
  console.log('ready')
  await new Promise((resolve) => process.once('SIGUSR2', resolve))
  console.log(JSON.stringify(await page.evaluate(() => window.drawn)))
}
await browser.close()
