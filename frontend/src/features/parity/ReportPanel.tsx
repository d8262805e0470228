import { useState } from 'react'

import type { ParityDifference, ParityReport } from '../../api/client'
import { useParityReport } from '../../api/research'
import { count } from '../../format/numbers'
import { dateTime, span } from '../../format/times'
import { words } from '../../format/words'
import { Panel } from '../../ui/Panel'
import { Table } from '../../ui/Table'
import type { Column } from '../../ui/Table'
import { View } from '../../ui/View'

const CAUSES: readonly Column<ParityReport['causes'][number]>[] = [
  { head: 'Cause', cell: ({ cause }) => words(cause) },
  { head: 'Differences', metric: 'difference_count', numeric: true, cell: ({ count: times }) => count(times) },
  { head: 'What it means', wrap: 'text', cell: ({ meaning }) => meaning },
  { head: 'What to do', wrap: 'text', cell: ({ advice }) => advice },
]

const AT_FIRST = 20

/** One check: its verdict in words, its differences by cause, and the first of them as they were live and replayed. */
export function ReportPanel({ id }: { id: number }) {
  const query = useParityReport(id)
  return (
    <Panel title={`Check #${id}`} aside={query.data ? `${query.data.order} order · ledger ${query.data.ledger}` : ''} className="report">
      <View query={query} lines={5}>
        {(report) => <Shown report={report} />}
      </View>
    </Panel>
  )
}

function Shown({ report }: { report: ParityReport }) {
  const { passed, sentence, began, duration_ms, compared, causes, differences, difference_count } = report
  return (
    <>
      <div className={`judgement is-${passed ? 'edge' : 'bad'}`} data-testid="parity-sentence">
        <strong>{sentence}</strong>
        <p>
          It was {began}, which took {duration_ms < 1_000 ? 'less than a second' : span(duration_ms / 1_000)}. Compared:{' '}
          {Object.entries(compared)
            .sort(([, one], [, other]) => other - one)
            .map(([kind, times]) => `${words(kind)} ${count(times)}`)
            .join(', ')}
          .
        </p>
      </div>
      {causes.length ? <Table label="Causes table" dense columns={CAUSES} rows={causes} keyOf={({ cause }) => cause} /> : null}
      {differences.length ? <Differences of={differences} outOf={difference_count} /> : null}
    </>
  )
}

function Differences({ of: differences, outOf }: { of: readonly ParityDifference[]; outOf: number }) {
  const [all, setAll] = useState(false)
  const shown = all ? differences : differences.slice(0, AT_FIRST)
  return (
    <>
      <div className="sub-head">
        <h3>Differences</h3>
        <small>
          {count(shown.length)} of {count(outOf)}, first what nothing excuses, last what follows from another
        </small>
      </div>
      <ul className="differences">
        {shown.map((each) => (
          <Difference key={`${each.kind} ${each.id}`} of={each} />
        ))}
      </ul>
      {shown.length < differences.length ? (
        <p className="more">
          <button type="button" className="button" onClick={() => { setAll(true) }}>
            Show {count(differences.length)}
          </button>
        </p>
      ) : null}
    </>
  )
}

function Difference({ of: { kind, t, id, cause, live, replayed, changed } }: { of: ParityDifference }) {
  const [first] = changed
  const what =
    live === null ? 'only in the replay' : replayed === null ? 'only live' : first ? `${first.field} ${first.live} → ${first.replayed}` : ''
  return (
    <li>
      <details>
        <summary>
          <time>{dateTime(t)}</time> <strong>{words(kind)}</strong> {what} <small>{words(cause)}</small>
          <code>{id}</code>
        </summary>
        {changed.length ? (
          <dl className="changed">
            {changed.map(({ field, live: was, replayed: is }) => (
              <div key={field}>
                <dt>{field}</dt>
                <dd>
                  live {was}, replayed {is}
                </dd>
              </div>
            ))}
          </dl>
        ) : (
          <pre>{live ?? replayed}</pre>
        )}
      </details>
    </li>
  )
}
