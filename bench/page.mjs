/**
 * `node bench/page.mjs load URL RUNS`: how long a new browser takes to the largest paint, and what it loads.
 * `node bench/page.mjs scroll URL FRAMES`: ms of each frame while the trades are scrolled, and how many rows had come.
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

/** A wheel that turns without a pause, four rows a frame: rows are drawn and pages of more of them come meanwhile. */
async function scroll(browser, frames) {
  const { page } = await open(browser, `${url}/#/trades`)
  const rows = page.locator('[data-testid=trades] tbody tr.row')
  await eventually(page, 'trades', async () => (await rows.count()) > 0, 60_000)
  const found = await page.evaluate(async (wanted) => {
    const scroller = document.querySelector('.trades-scroller')
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve))
    const took = []
    let before = await frame()
    while (took.length < wanted) {
      scroller.scrollTop += 176
      const now = await frame()
      took.push(now - before)
      before = now
    }
    return { frames: took, passed: Math.round(scroller.scrollTop / 44) }
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
