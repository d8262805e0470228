import type { Coverage, CoverageDay } from '../../api/client'
import { useCoverage } from '../../api/queries'
import { count } from '../../format/numbers'
import { utcDay } from '../../format/times'
import { CsvButton } from '../../ui/CsvButton'
import { Panel } from '../../ui/Panel'
import { View } from '../../ui/View'
import { link, useRoute } from '../../ui/route'
import { calendar, floored, level } from './coverage'
import type { CalendarRow } from './coverage'

const FILE = [
  { name: 'exchange', value: (row: CoverageDay) => row.exchange },
  { name: 'asset', value: (row: CoverageDay) => row.asset },
  { name: 'channel', value: (row: CoverageDay) => row.channel },
  { name: 'day_utc', value: (row: CoverageDay) => row.day },
  { name: 'expected_minutes', value: (row: CoverageDay) => row.expected_minutes },
  { name: 'covered_minutes', value: (row: CoverageDay) => row.covered_minutes },
]

const KEY = [['full', 'every minute'], ['high', '99 % and more'], ['low', '90 % and more'], ['bad', 'less.']] as const

export function CoveragePanel() {
  const query = useCoverage()
  return (
    <Panel title="Coverage" aside="by UTC day" tools={<CsvButton name="coverage" columns={FILE} rows={query.data?.days} />} className="coverage">
      <View
        query={query}
        lines={8}
        empty={({ days }) => days.length === 0}
        whyEmpty="Nothing has been recorded yet. The recorder notes its first days within a minute after data arrives."
      >
        {(found) => <Table found={found} />}
      </View>
    </Panel>
  )
}

function Table({ found }: { found: Coverage }) {
  const { days, rows } = calendar(found.days)
  return (
    <>
      <div className="scroller" role="region" aria-label="Coverage calendar" tabIndex={0}>
        <table className="table calendar" data-testid="coverage">
          <caption className="unseen">{found.definition}</caption>
          <thead>
            <tr>
              <th scope="col">Channel</th>
              {days.map((day) => (
                <th key={day} scope="col" className="is-day" title={day}>
                  {utcDay(day)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <Row key={row.key} row={row} dates={days} />
            ))}
          </tbody>
        </table>
      </div>
      <p className="key">
        {KEY.map(([look, meaning]) => (
          <span key={look} className="nowrap">
            <span className={`square is-${look}`} aria-hidden="true" /> {meaning}{' '}
          </span>
        ))}
        {found.definition}
        {found.cut ? ' Older days are left out: there are too many channels for one answer.' : ''}
      </p>
    </>
  )
}

function Row({ row, dates }: { row: CalendarRow; dates: readonly string[] }) {
  const { filters } = useRoute()
  const chosen = filters.get('asset') === row.asset && filters.get('channel') === row.channel
  const { exchange, asset, channel } = row
  return (
    <tr>
      <th scope="row">
        <a
          href={link('data', chosen ? {} : { exchange, asset, channel })}
          aria-current={chosen ? 'true' : undefined}
          title={chosen ? 'Show the gaps of all channels' : `Show the gaps of ${asset} ${channel}`}
        >
          <strong>{asset}</strong> {channel}
        </a>
        <small className="below">{exchange}</small>
      </th>
      {row.days.map((each, index) => (
        <Day key={dates[index]} day={each} />
      ))}
    </tr>
  )
}

function Day({ day }: { day: CoverageDay | null }) {
  if (day === null) return <td className="is-day" title="Nothing was due."></td>
  const missing = day.expected_minutes - day.covered_minutes
  const words = `${day.day}: ${count(day.covered_minutes)} of ${count(day.expected_minutes)} minutes`
  return (
    <td className="is-day" title={missing ? `${words}, ${count(missing)} missing` : words}>
      <span className={`cell is-${level(day)}`}>
        {missing ? floored(day.fraction) : <span className="unseen">100</span>}
        <span className="unseen"> %</span>
      </span>
    </td>
  )
}
