import type { Candidate, Study } from '../../api/client'
import { NONE, count, percent, signedUsd } from '../../format/numbers'
import { Amount } from '../../ui/Figure'
import { figure, metricName } from './surface'

export const CANDIDATE_FILE = [
  { name: 'rank', value: (each: Candidate) => each.rank },
  { name: 'set', value: (each: Candidate) => each.number },
  { name: 'params', value: (each: Candidate) => Object.entries(each.params).map(([name, value]) => `${name}=${value}`).join(' ') },
  { name: 'metric_in_sample', value: (each: Candidate) => each.in_sample },
  { name: 'metric_out_of_sample', value: (each: Candidate) => each.out_of_sample },
  { name: 'pnl_in_sample_usd', value: (each: Candidate) => each.pnl_in_sample },
  { name: 'pnl_out_of_sample_usd', value: (each: Candidate) => each.pnl_out_of_sample },
  { name: 'trades_in_sample', value: (each: Candidate) => each.trades_in_sample },
  { name: 'trades_out_of_sample', value: (each: Candidate) => each.trades_out_of_sample },
]

const AT_FIRST = 10

/** The best sets where they were chosen, beside what they did where they were judged. */
export function Candidates({ study: { candidates, metric, ran } }: { study: Study }) {
  if (candidates.length === 0) return null
  const names = Object.keys(candidates[0]?.params ?? {})
  const write = (value: number | null) => (value === null ? NONE : figure(metric, value))
  return (
    <>
      <div className="sub-head">
        <h3>Best sets</h3>
        <small>
          {count(Math.min(AT_FIRST, candidates.length))} of {count(ran)}, by {metricName(metric)} in sample; the file has up to 50
        </small>
      </div>
      <div className="scroller" role="region" aria-label="Best sets table" tabIndex={0}>
        <table className="table is-dense" data-testid="candidates">
          <thead>
            <tr>
              <th scope="col">Rank</th>
              {names.map((name) => (
                <th key={name} scope="col" className="is-numeric">
                  {name}
                </th>
              ))}
              <th scope="col" className="is-numeric">{metricName(metric)} in</th>
              <th scope="col" className="is-numeric">out</th>
              <th scope="col" className="is-numeric" title="USD, sum over the folds.">P&L in</th>
              <th scope="col" className="is-numeric">out</th>
              <th scope="col" className="is-numeric">Trades in</th>
              <th scope="col" className="is-numeric">out</th>
              <th scope="col" className="is-numeric" title="Worst of the folds, out of sample.">Max drawdown</th>
            </tr>
          </thead>
          <tbody>
            {candidates.slice(0, AT_FIRST).map((each) => (
              <tr key={each.number}>
                <td>{each.rank}</td>
                {names.map((name) => (
                  <td key={name} className="is-numeric">
                    {each.params[name] ?? NONE}
                  </td>
                ))}
                <td className="is-numeric">{write(each.in_sample)}</td>
                <td className="is-numeric">{write(each.out_of_sample)}</td>
                <td className="is-numeric">
                  <Amount of={each.pnl_in_sample}>{signedUsd(each.pnl_in_sample)}</Amount>
                </td>
                <td className="is-numeric">
                  <Amount of={each.pnl_out_of_sample}>{signedUsd(each.pnl_out_of_sample)}</Amount>
                </td>
                <td className="is-numeric">{count(each.trades_in_sample)}</td>
                <td className="is-numeric">{count(each.trades_out_of_sample)}</td>
                <td className="is-numeric">{percent(each.max_drawdown_out_of_sample)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  )
}
