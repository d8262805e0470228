import { Suspense, lazy } from 'react'
import type { ComponentProps } from 'react'

const Drawn = lazy(() => import('./LineChart'))

/** The chart, with room kept for it while its code is fetched. */
export function LineChart(props: ComponentProps<typeof Drawn>) {
  return (
    <Suspense fallback={<div className="chart-main" />}>
      <Drawn {...props} />
    </Suspense>
  )
}
