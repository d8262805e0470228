import type { GapRow } from '../../api/client'
import { useEventTime, useGaps } from '../../api/queries'
import { dateTime, span, zoneWord } from '../../format/times'
import { Choice } from '../../ui/Choice'
import { CsvButton } from '../../ui/CsvButton'
import { More } from '../../ui/More'
import { Panel } from '../../ui/Panel'
import { View } from '../../ui/View'
import { link, replace, useRoute } from '../../ui/route'
import { meaning } from './meaning'

const FILE = [
  { name: 'exchange', value: (row: GapRow) => row.exchange },
  { name: 'asset', value: (row: GapRow) => row.asset },
  { name: 'channel', value: (row: GapRow) => row.channel },
  { name: 'from_ms', value: (row: GapRow) => row.from_ms },
  { name: 'to_ms', value: (row: GapRow) => row.to_ms },
  { name: 'state', value: (row: GapRow) => row.state },
  { name: 'reason', value: (row: GapRow) => row.reason },
]
const STATES = ['all', 'open', 'lost', 'filled'] as const

export function GapsPanel() {
  const { filters } = useRoute()
  const exchange = filters.get('exchange')
  const asset = filters.get('asset')
  const channel = filters.get('channel')
  const state = STATES.find((each) => each === filters.get('state')) ?? 'all'
  const query = useGaps({ exchange, asset, channel, state: state === 'all' ? null : state })
  const gaps = query.data?.pages.flatMap((page) => page.gaps)
  const of = [asset, channel].filter(Boolean).join(' ')
  return (
    <Panel
      title="Gaps"
      aside={
        of ? (
          <>
            of {of} · <a href={link('data', { state: state === 'all' ? null : state })}>all channels</a>
          </>
        ) : (
          `${zoneWord()}, open ones first`
        )
      }
      tools={
        <>
        <Choice
          label="State"
          options={STATES}
          value={state}
          onChange={(next) => {
            replace(link('data', { exchange, asset, channel, state: next === 'all' ? null : next }))
          }}
        />
        <CsvButton name="gaps" columns={FILE} rows={gaps} />
        </>
      }
      className="gaps"
    >
      <View
        query={{ ...query, data: gaps }}
        lines={5}
        empty={(rows) => rows.length === 0}
        whyEmpty={
          state === 'all' && !of
            ? 'No hole has been seen in any channel. Each one that is seen stays listed here, also after it was filled.'
            : 'No gap matches the filters.'
        }
      >
        {(rows) => <Table rows={rows} />}
      </View>
      <More query={query} label="Show older gaps" />
    </Panel>
  )
}

function Table({ rows }: { rows: GapRow[] }) {
  const eventTimeMs = useEventTime()
  return (
    <div className="scroller" role="region" aria-label="Gaps table" tabIndex={0}>
      <table className="table" data-testid="gaps">
        <thead>
          <tr>
            <th scope="col">Channel</th>
            <th scope="col">State</th>
            <th scope="col">From</th>
            <th scope="col" className="is-numeric">Lasted</th>
            <th scope="col">Reason</th>
            <th scope="col">What it means</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((gap) => (
            <tr key={gap.id}>
              <td>
                <strong>{gap.asset}</strong> {gap.channel}
                <small className="below">{gap.exchange}</small>
              </td>
              <td>
                <span className={`status is-${LOOKS[gap.state]}`}>
                  <span className="dot" aria-hidden="true" />
                  {gap.state}
                </span>
              </td>
              <td className="nowrap">{dateTime(gap.from_ms)}</td>
              <td className="is-numeric">{lasted(gap, eventTimeMs)}</td>
              <td>{gap.reason}</td>
              <td className="is-text">{meaning(gap)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

const LOOKS = { open: 'down', lost: 'degraded', filled: 'ok' } as const

function lasted(gap: GapRow, eventTimeMs: number | null): string {
  const end = gap.to_ms ?? eventTimeMs
  if (end === null) return ''
  const text = span((end - gap.from_ms) / 1_000)
  return gap.to_ms === null ? `${text} so far` : text
}
