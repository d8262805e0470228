import type { Study } from '../../api/client'
import { NONE, count, signedUsd } from '../../format/numbers'
import { dateTime } from '../../format/times'
import { Amount } from '../../ui/Figure'
import { figure, metricName } from './surface'

/** Of each fold what was chosen, and what that did afterwards: as one would have traded it. */
export function WalkForward({ study: { walk_forward, metric } }: { study: Study }) {
  if (walk_forward.length === 0) return null
  const gained = walk_forward.reduce((sum, fold) => sum + fold.pnl_out_of_sample, 0)
  const write = (value: number | null) => (value === null ? NONE : figure(metric, value))
  return (
    <>
      <div className="sub-head">
        <h3>{walk_forward.length > 1 ? 'Walk-forward' : 'Chosen, then judged'}</h3>
        <small>
          following each choice would have made <Amount of={gained}>{signedUsd(gained)}</Amount> USD where it was judged
        </small>
      </div>
      <div className="scroller" role="region" aria-label="Walk-forward table" tabIndex={0}>
        <table className="table is-dense" data-testid="walk-forward">
          <thead>
            <tr>
              <th scope="col">Chosen from</th>
              <th scope="col">Judged from</th>
              <th scope="col">to</th>
              <th scope="col">Chosen set</th>
              <th scope="col" className="is-numeric" title="In sample, where it was chosen.">{metricName(metric)} there</th>
              <th scope="col" className="is-numeric" title="Out of sample, where it was judged.">{metricName(metric)} after</th>
              <th scope="col" className="is-numeric" title="USD, out of sample.">P&L after</th>
              <th scope="col" className="is-numeric" title="Out of sample.">Trades after</th>
            </tr>
          </thead>
          <tbody>
            {walk_forward.map((fold) => (
              <tr key={fold.split_ms}>
                <td className="nowrap">{dateTime(fold.from_ms).slice(0, 16)}</td>
                <td className="nowrap">{dateTime(fold.split_ms).slice(0, 16)}</td>
                <td className="nowrap">{dateTime(fold.to_ms).slice(0, 16)}</td>
                <td>{fold.chosen === null ? 'none could be ranked' : Object.entries(fold.params).map(([name, value]) => `${name} ${value}`).join(', ')}</td>
                <td className="is-numeric">{write(fold.in_sample)}</td>
                <td className="is-numeric">{write(fold.out_of_sample)}</td>
                <td className="is-numeric">
                  <Amount of={fold.pnl_out_of_sample}>{signedUsd(fold.pnl_out_of_sample)}</Amount>
                </td>
                <td className="is-numeric">{count(fold.trades_out_of_sample)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  )
}
