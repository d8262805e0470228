import { sparkPoints } from './split'

const WIDTH = 84
const HEIGHT = 22

/** Cumulative result of closed positions; its last point is the realised P&L. */
export function Spark({ values }: { values: readonly number[] }) {
  if (values.length < 2) return null
  const up = (values.at(-1) ?? 0) >= 0
  return (
    <svg className={`spark is-${up ? 'up' : 'down'}`} width={WIDTH} height={HEIGHT} aria-hidden="true">
      <polyline points={sparkPoints(values, WIDTH, HEIGHT)} fill="none" strokeWidth="1.3" />
    </svg>
  )
}
