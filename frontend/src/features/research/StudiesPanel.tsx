import type { StudyRow } from '../../api/client'
import { useStudies } from '../../api/research'
import { count } from '../../format/numbers'
import { CsvButton } from '../../ui/CsvButton'
import { More } from '../../ui/More'
import { Panel } from '../../ui/Panel'
import { View } from '../../ui/View'
import { link, useRoute } from '../../ui/route'
import { Span } from './Span'
import { StudyPanel } from './StudyPanel'
import { metricName } from './surface'

const FILE = [
  { name: 'study', value: (row: StudyRow) => row.id },
  { name: 'strategy', value: (row: StudyRow) => row.strategy },
  { name: 'metric', value: (row: StudyRow) => row.metric },
  { name: 'search', value: (row: StudyRow) => row.search },
  { name: 'sets', value: (row: StudyRow) => row.done },
  { name: 'folds', value: (row: StudyRow) => row.folds },
  { name: 'from_ms', value: (row: StudyRow) => row.from_ms },
  { name: 'to_ms', value: (row: StudyRow) => row.to_ms },
  { name: 'verdict', value: (row: StudyRow) => row.verdict },
  { name: 'sentence', value: (row: StudyRow) => row.sentence },
]

/** Every search for parameters, and the one that is looked at. */
export function StudiesPanel() {
  const query = useStudies()
  const { filters } = useRoute()
  const rows = query.data?.pages.flatMap((page) => page.studies)
  const wanted = Number(filters.get('study'))
  const shown = wanted > 0 ? wanted : rows?.[0]?.id
  return (
    <>
      <Panel
        title="Searches for parameters"
        aside="what the optimiser found, and whether to believe it"
        tools={<CsvButton name="studies" columns={FILE} rows={rows} />}
      >
        <View
          query={{ ...query, data: rows }}
          lines={4}
          empty={(found) => found.length === 0}
          whyEmpty={
            <>
              No search has been stored yet. <code>python -m trading_core optimise --strategy NAME --param NAME=FROM:TO:STEP</code> tries
              sets of parameters, and says here what the best of them is worth.
            </>
          }
        >
          {(found) => (
            <div className="scroller" role="region" aria-label="Searches table" tabIndex={0}>
              <table className="table" data-testid="studies">
                <thead>
                  <tr>
                    <th scope="col">Search</th>
                    <th scope="col">Verdict</th>
                    <th scope="col">Best set where it was chosen</th>
                    <th scope="col" className="is-numeric" title="Sets tried so far, of those asked for.">Sets</th>
                    <th scope="col" className="is-numeric" title="How often parameters were chosen and judged.">Folds</th>
                    <th scope="col">Span</th>
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
        <More query={query} label="Show older searches" />
      </Panel>
      {shown === undefined ? null : <StudyPanel id={shown} />}
    </>
  )
}

function Row({ row, shown }: { row: StudyRow; shown: boolean }) {
  const { filters } = useRoute()
  const best = Object.entries(row.best ?? {})
  return (
    <tr className={shown ? 'is-chosen' : ''}>
      <td>
        <a href={link('research', { runs: filters.get('runs'), study: String(row.id) })} aria-current={shown ? 'true' : undefined}>
          <strong>#{row.id}</strong> {row.class_name}
        </a>
        <small className="below">
          {row.assets.join(', ')} · by {metricName(row.metric)} · {row.search}
        </small>
      </td>
      <td className="is-text">
        <span className={`verdict is-${row.verdict ?? 'none'}`}>{row.headline}</span>
        {row.sentence ? <small className="below is-wrapped">{row.sentence}</small> : null}
      </td>
      <td>{best.length ? best.map(([name, value]) => `${name} ${value}`).join(', ') : '–'}</td>
      <td className="is-numeric">
        {count(row.done)}
        {row.done < row.asked ? ` of ${count(row.asked)}` : ''}
      </td>
      <td className="is-numeric">{row.folds}</td>
      <td className="nowrap">
        <Span from={row.from_ms} to={row.to_ms} />
      </td>
    </tr>
  )
}
