import { offsetMs } from '../format/zone'

const MINUTE_MS = 60_000
const STEPS_MS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1_440, 2_880, 7_200, 14_400, 43_200].map(
  (minutes) => minutes * MINUTE_MS,
)

/** Round moments from `first` to `last` by the shown clock, at most about `wanted`; `daily`: they are days. */
export function timeTicks(first: number, last: number, wanted: number): { ticks: number[]; daily: boolean } {
  const step = STEPS_MS.find((each) => (last - first) / each <= wanted) ?? 86_400_000 * 60
  const offset = offsetMs(first)
  const ticks: number[] = []
  for (let t = Math.ceil((first + offset) / step) * step - offset; t <= last; t += step) ticks.push(t)
  return { ticks, daily: step >= 86_400_000 }
}
