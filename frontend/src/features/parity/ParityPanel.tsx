import type { ParityRow } from '../../api/client'
import { useParity } from '../../api/research'
import { count } from '../../format/numbers'
import { dateTime, span, zoneName, zoneWord } from '../../format/times'
import { words } from '../../format/words'
import { Choice } from '../../ui/Choice'
import { CsvButton } from '../../ui/CsvButton'
import { More } from '../../ui/More'
import { Panel } from '../../ui/Panel'
import { View } from '../../ui/View'
import { link, replace, useRoute } from '../../ui/route'
import { ReportPanel } from './ReportPanel'

const ORDERS = ['all', 'recorded', 'ideal'] as const
const VERDICTS = ['all', 'identical', 'explained', 'different', 'unexplained'] as const
const FILE = [
  { name: 'report', value: (row: ParityRow) => row.id },
  { name: 'order', value: (row: ParityRow) => row.order },
  { name: 'from_ms', value: (row: ParityRow) => row.from_ms },
  { name: 'to_ms', value: (row: ParityRow) => row.to_ms },
  { name: 'verdict', value: (row: ParityRow) => row.verdict },
  { name: 'differences', value: (row: ParityRow) => row.difference_count },
  { name: 'causes', value: (row: ParityRow) => row.causes.map(({ cause, count: times }) => `${cause}=${times}`).join(' ') },
  { name: 'code_version', value: (row: ParityRow) => row.code_version },
]
const LOOKS = { identical: 'ok', explained: 'ok', different: 'down', unexplained: 'down' } as const

/** Every check of whether the record replays and whether a backtest would have traded the same. */
export function ParityPanel() {
  const { filters } = useRoute()
  const order = ORDERS.find((each) => each === filters.get('order')) ?? 'all'
  const verdict = VERDICTS.find((each) => each === filters.get('verdict')) ?? 'all'
  const query = useParity({ order: order === 'all' ? null : order, verdict: verdict === 'all' ? null : verdict })
  const rows = query.data?.pages.flatMap((page) => page.reports)
  const wanted = Number(filters.get('report'))
  const shown = wanted > 0 ? wanted : rows?.[0]?.id
  const filtered = order !== 'all' || verdict !== 'all'
  const go = (changes: Record<string, string>) => {
    const next = { order, verdict, ...changes }
    replace(link('parity', { order: next.order === 'all' ? null : next.order, verdict: next.verdict === 'all' ? null : next.verdict }))
  }
  return (
    <>
      <p className="lead">
        <strong>Recorded order</strong> feeds what was recorded through the same code again: every signal, decision, fill and ledger row must
        come out byte for byte. <strong>Ideal order</strong> runs the same span as a backtest: every difference must have a cause.
      </p>
      {shown === undefined ? null : <ReportPanel id={shown} />}
      <Panel
        title="Checks"
        aside={`each night, and on request · ${zoneWord()}`}
        tools={
          <>
            <Choice label="Order" options={ORDERS} value={order} onChange={(next) => { go({ order: next }) }} />
            <Choice label="Verdict" options={VERDICTS} value={verdict} onChange={(next) => { go({ verdict: next }) }} />
            <CsvButton name="parity" columns={FILE} rows={rows} />
          </>
        }
      >
        <View
          query={{ ...query, data: rows }}
          lines={5}
          empty={(found) => found.length === 0}
          whyEmpty={
            filtered ? (
              'No check matches the filters.'
            ) : (
              <>
                No check has been stored yet. One of each kind follows every UTC day of market time;{' '}
                <code>python -m trading_core parity --from … --to …</code> checks a span now.
              </>
            )
          }
        >
          {(found) => (
            <div className="scroller" role="region" aria-label="Checks table" tabIndex={0}>
              <table className="table" data-testid="parity">
                <thead>
                  <tr>
                    <th scope="col">Span</th>
                    <th scope="col">Order</th>
                    <th scope="col">Verdict</th>
                    <th scope="col" className="is-numeric" title="Signals, decisions, fills and ledger rows.">Compared</th>
                    <th scope="col" className="is-numeric">Differences</th>
                    <th scope="col">By cause</th>
                    <th scope="col">Code</th>
                  </tr>
                </thead>
                <tbody>
                  {found.map((row) => (
                    <Row key={row.id} row={row} shown={row.id === shown} />
                  ))}
                </tbody>
              </table>
            </div>
          )}
        </View>
        <More query={query} label="Show older checks" />
      </Panel>
    </>
  )
}

function Row({ row, shown }: { row: ParityRow; shown: boolean }) {
  const { filters } = useRoute()
  const compared = Object.values(row.compared).reduce((sum, each) => sum + each, 0)
  return (
    <tr className={shown ? 'is-chosen' : ''}>
      <td className="nowrap" title={`Checked ${dateTime(row.created_ms)} ${zoneName(row.created_ms)} by the wall clock`}>
        <a href={link('parity', { ...Object.fromEntries(filters), report: String(row.id) })} aria-current={shown ? 'true' : undefined}>
          {dateTime(row.from_ms).slice(0, 16)}
        </a>
        <small className="below">
          {span((row.to_ms - row.from_ms) / 1_000)}
          {row.nightly ? ' · nightly' : ''}
        </small>
      </td>
      <td>{row.order}</td>
      <td>
        <span className={`status is-${LOOKS[row.verdict]}`}>
          <span className="dot" aria-hidden="true" />
          {row.verdict}
        </span>
      </td>
      <td className="is-numeric">{count(compared)}</td>
      <td className="is-numeric">{count(row.difference_count)}</td>
      <td>{row.causes.length ? row.causes.map(({ cause, count: times }) => `${words(cause)} ${count(times)}`).join(', ') : 'none'}</td>
      <td className="nowrap">
        <small>{row.code_version}</small>
      </td>
    </tr>
  )
}
