/** How every moment and span looks. Market time is UTC and says so. */

const MINUTE_S = 60
const HOUR_S = 3_600
const DAY_S = 86_400

function iso(timeMs: number): string {
  return new Date(timeMs).toISOString()
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
  return new Date(timeMs).toLocaleDateString('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' })
}

/** `5 Mar 19:55` */
export function dayClock(timeMs: number): string {
  return `${day(timeMs)} ${clock(timeMs)}`
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
