/** How every moment and span looks: in UTC, or by the reader's clock once that was chosen (`zone.ts`). */

import { offsetMs, zone } from './zone'

const MINUTE_S = 60
const HOUR_S = 3_600
const DAY_S = 86_400

function iso(timeMs: number): string {
  return new Date(timeMs + offsetMs(timeMs)).toISOString()
}

/** `2025-03-05 19:55:00` */
export function dateTime(timeMs: number): string {
  return iso(timeMs).slice(0, 19).replace('T', ' ')
}

/** `19:55` */
export function clock(timeMs: number): string {
  return iso(timeMs).slice(11, 16)
}

/** `5 Mar` */
export function day(timeMs: number): string {
  return utcDay(iso(timeMs))
}

/** `5 Mar` of `2025-03-05`: a day of the recorded data, which is a day of UTC whatever clock is shown. */
export function utcDay(date: string): string {
  return new Date(date).toLocaleDateString('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' })
}

/** `5 Mar 19:55` */
export function dayClock(timeMs: number): string {
  return `${day(timeMs)} ${clock(timeMs)}`
}

/** `UTC`, `UTC+2` or `UTC−3:30`: the clock that a moment is shown by, to stand beside it. */
export function zoneName(timeMs: number): string {
  const minutes = Math.round(offsetMs(timeMs) / 60_000)
  if (minutes === 0) return zone() === 'UTC' ? 'UTC' : 'UTC+0'
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60]
  return `UTC${minutes < 0 ? '\u2212' : '+'}${hours}${rest ? `:${String(rest).padStart(2, '0')}` : ''}`
}

/** The same where many moments stand below one heading. */
export function zoneWord(): string {
  return zone() === 'UTC' ? 'UTC' : 'your time'
}

/** Whether a day begins then by the shown clock: where an axis names the day instead of the time. */
export function isMidnight(timeMs: number): boolean {
  return (timeMs + offsetMs(timeMs)) % (DAY_S * 1_000) === 0
}

/** `42 s`, `3 m 20 s`, `2 h 5 m`, `4 d 6 h`; two parts at most. */
export function span(seconds: number): string {
  const total = Math.max(0, Math.round(seconds))
  if (total < MINUTE_S) return `${total} s`
  if (total < HOUR_S) return join(Math.floor(total / MINUTE_S), 'm', total % MINUTE_S, 's')
  if (total < DAY_S) return join(Math.floor(total / HOUR_S), 'h', Math.floor((total % HOUR_S) / MINUTE_S), 'm')
  return join(Math.floor(total / DAY_S), 'd', Math.floor((total % DAY_S) / HOUR_S), 'h')
}

function join(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small ? `${large} ${largeUnit} ${small} ${smallUnit}` : `${large} ${largeUnit}`
}
