/** From days of coverage to the rows of a calendar. */

import type { CoverageDay } from '../../api/client'

export interface CalendarRow {
  key: string
  exchange: string
  asset: string
  channel: string
  /** One per day of the calendar; null where nothing was due. */
  days: (CoverageDay | null)[]
}

export interface Calendar {
  days: string[]
  rows: CalendarRow[]
}

const DAY_MS = 86_400_000

/** Every day from the first to the last one, also those without anything. */
export function calendar(found: readonly CoverageDay[]): Calendar {
  const dates = found.map((each) => each.day).sort()
  const [first, last] = [dates[0], dates.at(-1)]
  if (first === undefined || last === undefined) return { days: [], rows: [] }
  const days: string[] = []
  for (let at = Date.parse(first); at <= Date.parse(last); at += DAY_MS) days.push(new Date(at).toISOString().slice(0, 10))
  const place = new Map(days.map((day, index) => [day, index]))
  const rows = new Map<string, CalendarRow>()
  for (const each of found) {
    const key = `${each.exchange} ${each.asset} ${each.channel}`
    const row = rows.get(key) ?? {
      key,
      exchange: each.exchange,
      asset: each.asset,
      channel: each.channel,
      days: days.map(() => null),
    }
    row.days[place.get(each.day) ?? 0] = each
    rows.set(key, row)
  }
  return { days, rows: [...rows.values()].sort((a, b) => (a.key < b.key ? -1 : 1)) }
}

export type Level = 'none' | 'full' | 'high' | 'low' | 'bad'

/** How a day looks. Full is whole: a single missing minute shows. */
export function level(day: CoverageDay | null): Level {
  if (day === null) return 'none'
  if (day.covered_minutes >= day.expected_minutes) return 'full'
  if (day.fraction >= 0.99) return 'high'
  return day.fraction >= 0.9 ? 'low' : 'bad'
}

/** Per cent, rounded down: what is not whole is never shown as 100. */
export function floored(fraction: number): string {
  const whole = Math.floor(fraction * 100)
  return whole === 99 ? (Math.floor(fraction * 1_000) / 10).toFixed(1) : `${whole}`
}
