import type { EquityPoint } from '../../api/client'

/** Places of the first and the last point in [from, to]; at least two points, where there are two. */
export function placesOf(points: readonly EquityPoint[], from: number, to: number): [start: number, end: number] {
  const after = points.findIndex(({ t }) => t >= from)
  const last = points.findLastIndex(({ t }) => t <= to)
  const start = Math.max(0, Math.min(after === -1 ? points.length : after, points.length - 2))
  return [start, Math.min(points.length - 1, Math.max(last, start + 1))]
}
