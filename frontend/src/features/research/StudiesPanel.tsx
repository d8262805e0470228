import type { StudyRow } from '../../api/client'
import { useStudies } from '../../api/research'
import { NONE, count } from '../../format/numbers'
import { ListPanel } from '../../ui/ListPanel'
import type { Column } from '../../ui/Table'
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

function columns(shown: number | undefined, linkTo: (study: number) => string): Column<StudyRow>[] {
  return [
    {
      head: 'Search',
      cell: (row) => (
        <>
          <a href={linkTo(row.id)} aria-current={row.id === shown ? 'true' : undefined}>
            <strong>#{row.id}</strong> {row.class_name}
          </a>
          <small className="below">
            {row.assets.join(', ')} · by {metricName(row.metric)} · {row.search}
          </small>
        </>
      ),
    },
    {
      head: 'Verdict',
      wrap: 'text',
      cell: (row) => (
        <>
          <span className={`verdict is-${row.verdict ?? 'none'}`}>{row.headline}</span>
          {row.sentence ? <small className="below is-wrapped">{row.sentence}</small> : null}
        </>
      ),
    },
    {
      head: 'Best set where it was chosen',
      cell: (row) => Object.entries(row.best ?? {}).map(([name, value]) => `${name} ${value}`).join(', ') || NONE,
    },
    {
      head: 'Sets',
      metric: 'sets',
      numeric: true,
      cell: (row) => `${count(row.done)}${row.done < row.asked ? ` of ${count(row.asked)}` : ''}`,
    },
    { head: 'Folds', metric: 'folds', numeric: true, cell: (row) => row.folds },
    { head: 'Span', wrap: 'nowrap', cell: (row) => <Span from={row.from_ms} to={row.to_ms} /> },
  ]
}

/** Every search for parameters, and the one that is looked at. */
export function StudiesPanel() {
  const query = useStudies()
  const { filters } = useRoute()
  const rows = query.data?.pages.flatMap((page) => page.studies)
  const wanted = Number(filters.get('study'))
  const shown = wanted > 0 ? wanted : rows?.[0]?.id
  return (
    <>
      <ListPanel
        title="Searches for parameters"
        aside="what the optimiser found, and whether to believe it"
        query={query}
        rows={rows}
        lines={4}
        whyEmpty={
          <>
            No search has been stored yet. <code>python -m trading_core optimise --strategy NAME --param NAME=FROM:TO:STEP</code> tries
            sets of parameters, and says here what the best of them is worth.
          </>
        }
        file={{ name: 'studies', columns: FILE }}
        more={{ label: 'Show older searches', pages: query }}
        label="Searches table"
        testId="studies"
        columns={columns(shown, (study) => link('research', { runs: filters.get('runs'), study: String(study) }))}
        keyOf={({ id }) => id}
        classOf={({ id }) => (id === shown ? 'is-chosen' : '')}
      />
      {shown === undefined ? null : <StudyPanel id={shown} />}
    </>
  )
}
