import type { StrategyRow } from '../../api/client'
import { link } from '../../ui/route'

/** Name and status; a strategy that does not trade says why, a failed one shows its traceback. */
export function StrategyName({ row }: { row: StrategyRow }) {
  return (
    <div className="strategy-name">
      <span className={`status is-${row.status}`}>
        <span className="dot" aria-hidden="true" />
        <a href={link(`strategies/${row.name}`)}>{row.class_name}</a>
      </span>
      <small>
        {row.status === 'active' ? null : <strong className={`word is-${row.status}`}>{row.status} </strong>}
        {row.status === 'active' ? `${row.interval} · ${row.assets.join(', ')}` : row.status_reason}
      </small>
      {row.failure ? (
        <details className="traceback">
          <summary>Traceback</summary>
          <pre tabIndex={0}>{row.failure}</pre>
        </details>
      ) : null}
    </div>
  )
}
