/** A Chromium for the browser tests, and what it complained about. CHROMIUM names it (else /usr/bin/chromium). */

import { existsSync, mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const require = createRequire(new URL('../../frontend/package.json', import.meta.url))
const { chromium } = require('playwright-core')

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
export const WIDE = { width: 1440, height: 900 }
export const NARROW = { width: 380, height: 800 }

export function launch() {
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'
  if (!existsSync(executablePath)) {
    console.error(`There is no Chromium at ${executablePath}. Install one, or set CHROMIUM to its program.`)
    process.exit(2)
  }
  return chromium.launch({ executablePath, args: FLAGS })
}

/** A page far from UTC, and the list that its console errors go into. */
export async function open(browser, url) {
  const page = await browser.newPage({ viewport: WIDE, colorScheme: 'light', timezoneId: 'Asia/Kathmandu' })
  const complaints = []
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  await page.goto(url)
  return { page, complaints }
}

/** The whole page as a file in the folder that SCREENSHOTS names; without it none. */
export async function picture(page, name) {
  const folder = process.env.SCREENSHOTS
  if (!folder) return
  mkdirSync(folder, { recursive: true })
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true })
}

/** The first truthy result of `probe`, polled for `limitMs`; what it last saw goes into the failure. */
export async function eventually(page, what, probe, limitMs) {
  const deadline = Date.now() + limitMs
  let seen
  while (Date.now() < deadline) {
    seen = await probe()
    if (seen) return seen
    await page.waitForTimeout(100)
  }
  throw new Error(`${what}: not within ${limitMs / 1_000} s; last seen: ${JSON.stringify(seen)}`)
}
