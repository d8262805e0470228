import type { OverfitStatistic, Study } from '../../api/client'
import { useStudy } from '../../api/research'
import { NONE, count, percent } from '../../format/numbers'
import { CsvButton } from '../../ui/CsvButton'
import { Panel } from '../../ui/Panel'
import { View } from '../../ui/View'
import { link, replace, useRoute } from '../../ui/route'
import { CANDIDATE_FILE, Candidates } from './Candidates'
import { HeatMap } from './HeatMap'
import { WalkForward } from './WalkForward'
import { metricName } from './surface'

/** One search: what it is worth, its surface, its folds, its best sets. */
export function StudyPanel({ id }: { id: number }) {
  const { filters } = useRoute()
  const query = useStudy(id, filters.get('across'), filters.get('down'))
  return (
    <Panel
      title={`Search #${id}`}
      aside={query.data ? `${query.data.class_name}, ${count(query.data.ran)} sets ran` : ''}
      tools={<CsvButton name={`study-${id}`} columns={CANDIDATE_FILE} rows={query.data?.candidates} />}
      className="study"
    >
      <View query={query} lines={10}>
        {(study) => <Shown study={study} />}
      </View>
    </Panel>
  )
}

function Shown({ study }: { study: Study }) {
  const { headline, sentence, why, verdict, statistics, surface, metric, candidates, axes } = study
  const best = candidates[0]?.number ?? null
  return (
    <>
      <div className={`judgement is-${verdict ?? 'none'}`} data-testid="judgement">
        <strong>{headline}</strong>
        {sentence ? (
          <p>
            {sentence} In short: {why}.
          </p>
        ) : null}
      </div>
      {statistics.length ? (
        <dl className="statistics" data-testid="overfit">
          {statistics.map((each) => (
            <Statistic key={each.name} statistic={each} />
          ))}
        </dl>
      ) : null}
      {surface ? (
        <>
          <div className="sub-head">
            <h3>
              {metricName(metric)} over {surface.down ? 'two parameters' : 'one parameter'}
            </h3>
            {axes.length > 2 ? <Axes axes={axes} surface={surface} /> : null}
          </div>
          <div className="heats">
            <HeatMap surface={surface} metric={metric} part="in_sample" best={best} />
            <HeatMap surface={surface} metric={metric} part="out_of_sample" best={best} />
          </div>
          <p className="key">
            Both maps share one scale. A single bright cell is luck more often than a whole bright region; colours that turn from left to
            right mean that the past chose nothing.
            {surface.others.length ? ` Each cell shows the best set over ${surface.others.join(', ')}.` : ''}
          </p>
        </>
      ) : (
        <p className="note">Only one value of each parameter was tried, or none has run yet: there is no surface to draw.</p>
      )}
      <WalkForward study={study} />
      <Candidates study={study} />
      {study.refused || study.failed ? (
        <p className="key">
          {count(study.refused)} sets were refused because their values do not go together; {count(study.failed)} failed
          {study.first_failure ? `, the first with: ${study.first_failure}` : ''}.
        </p>
      ) : null}
    </>
  )
}

function Statistic({ statistic: { label, value, kind, tone, meaning } }: { statistic: OverfitStatistic }) {
  const text = value === null ? NONE : kind === 'probability' ? percent(value, 1) : value.toLocaleString('en-US', { maximumFractionDigits: 1 })
  return (
    <div>
      <dt>{label}</dt>
      <dd className={`is-${tone}`}>{text}</dd>
      <dd className="meaning">{value === null ? 'Too little data for this figure. ' : ''}{meaning}</dd>
    </div>
  )
}

function Axes({ axes, surface }: { axes: readonly string[]; surface: NonNullable<Study['surface']> }) {
  const { filters } = useRoute()
  const choose = (changes: Record<string, string>) => {
    replace(link('research', { ...Object.fromEntries(filters), across: surface.across.name, down: surface.down?.name ?? null, ...changes }))
  }
  return (
    <div className="axes">
      <Pick label="Across" value={surface.across.name} options={axes.filter((name) => name !== surface.down?.name)} onChange={(across) => { choose({ across }) }} />
      <Pick label="Down" value={surface.down?.name ?? ''} options={axes.filter((name) => name !== surface.across.name)} onChange={(down) => { choose({ down }) }} />
    </div>
  )
}

interface PickProps {
  label: string
  value: string
  options: readonly string[]
  onChange: (value: string) => void
}

function Pick({ label, value, options, onChange }: PickProps) {
  return (
    <label className="pick">
      {label}{' '}
      <select
        value={value}
        onChange={(event) => {
          onChange(event.currentTarget.value)
        }}
      >
        {options.map((option) => (
          <option key={option}>{option}</option>
        ))}
      </select>
    </label>
  )
}
