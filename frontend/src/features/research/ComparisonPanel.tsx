import { useState } from 'react'

import type { BacktestComparison, BacktestRun, BacktestSetting } from '../../api/client'
import { useMeaning } from '../../api/meaning'
import { useBacktests, useComparison } from '../../api/research'
import { NONE, signedPercent } from '../../format/numbers'
import { words } from '../../format/words'
import { Choice } from '../../ui/Choice'
import { CsvButton } from '../../ui/CsvButton'
import { LineChart } from '../../ui/LazyLineChart'
import { Panel } from '../../ui/Panel'
import { View } from '../../ui/View'
import { seriesColour } from '../../ui/colours'
import { useRoute } from '../../ui/route'
import { chosenRuns } from './choice'
import { FIGURES, best } from './figures'

const SHOWN = ['what differs', 'all settings'] as const

const NO_GAIN = [{ value: 0 }]
/** More columns leave no room for another table beside them. */
const FEW = 3

/** The ticked runs beside each other: curves, figures, settings. */
export function ComparisonPanel() {
  const { filters } = useRoute()
  const stored = useBacktests().data?.pages.flatMap((page) => page.runs) ?? []
  const ids = chosenRuns(filters.get('runs'), stored)
  const query = useComparison(ids)
  if (stored.length === 0) return null
  return (
    <Panel
      title="Side by side"
      aside="return on initial capital"
      tools={<CsvButton name="backtest-curves" columns={CURVE_FILE} rows={query.data?.runs.flatMap(points)} />}
    >
      {ids.length === 0 ? (
        <p className="note">Tick a run above to see its curve, its figures and its settings here.</p>
      ) : (
        <View query={query} lines={9}>
          {(found) => <Compared found={found} />}
        </View>
      )}
    </Panel>
  )
}

const CURVE_FILE = [
  { name: 'run', value: (point: CurvePoint) => point.run },
  { name: 't_ms', value: (point: CurvePoint) => point.t },
  { name: 'equity_usd', value: (point: CurvePoint) => point.equity },
]

interface CurvePoint {
  run: number
  t: number
  equity: string
}

const points = (run: BacktestRun): CurvePoint[] => run.equity.map(({ t, equity }) => ({ run: run.id, t, equity }))

function Compared({ found: { runs, settings, comparable, why_not } }: { found: BacktestComparison }) {
  const series = runs.map((run, place) => ({
    name: String(run.id),
    label: `#${run.id}`,
    colour: seriesColour(place + 1),
    points: run.equity.map(({ t, equity }) => ({ t, value: Number(equity) / Number(run.initial_capital) - 1 })),
  }))
  return (
    <>
      {comparable ? null : (
        <p className="caution" role="note">
          These runs have {why_not}: their figures do not compare like for like.
        </p>
      )}
      <div className="legend">
        {series.map(({ name, label, colour }, place) => (
          <span key={name} className="legend-item">
            <span className="swatch" style={{ background: colour }} /> {label} {runs[place]?.strategies.join(', ')}
          </span>
        ))}
      </div>
      <LineChart series={series} label="Return of each run over time; the figures are in the table below." format={(value) => signedPercent(value)} levels={NO_GAIN} />
      <div className={runs.length > FEW ? 'tables' : 'tables is-beside'}>
        <Figures runs={runs} />
        {runs.length > 1 ? <Settings runs={runs} settings={settings} /> : null}
      </div>
      <Basis runs={runs} />
    </>
  )
}

function Head({ runs, first }: { runs: readonly BacktestRun[]; first: string }) {
  return (
    <thead>
      <tr>
        <th scope="col">{first}</th>
        {runs.map((run, place) => (
          <th key={run.id} scope="col" className="is-numeric">
            <span className="swatch" style={{ background: seriesColour(place + 1) }} /> #{run.id}
          </th>
        ))}
      </tr>
    </thead>
  )
}

function Figures({ runs }: { runs: readonly BacktestRun[] }) {
  const meaning = useMeaning()
  return (
    <div className="scroller" role="region" aria-label="Figures of the runs" tabIndex={0}>
      <table className="table is-dense is-narrow" data-testid="comparison">
        <Head runs={runs} first="Figure" />
        <tbody>
          {FIGURES.map((figure) => {
            const winners = best(figure, runs)
            return (
              <tr key={figure.name}>
                <th scope="row" title={meaning(figure.metric, figure.hint)}>
                  {figure.label}
                </th>
                {runs.map((run, place) => (
                  <td key={run.id} className="is-numeric">
                    {winners.has(place) ? (
                      <strong title="The best of these runs">{figure.text(run)}</strong>
                    ) : (
                      figure.text(run)
                    )}
                  </td>
                ))}
              </tr>
            )
          })}
        </tbody>
      </table>
    </div>
  )
}

function Settings({ runs, settings }: { runs: readonly BacktestRun[]; settings: readonly BacktestSetting[] }) {
  const [shown, setShown] = useState<(typeof SHOWN)[number]>('what differs')
  const rows = shown === 'all settings' ? settings : settings.filter(({ differs }) => differs)
  return (
    <div>
      <div className="sub-head">
        <h3>Settings</h3>
        <Choice label="Settings shown" options={SHOWN} value={shown} onChange={setShown} />
      </div>
      {rows.length === 0 ? (
        <p className="note">These runs had the same settings.</p>
      ) : (
        <div className="scroller is-low" role="region" aria-label="Settings of the runs" tabIndex={0}>
          <table className="table is-dense is-narrow" data-testid="settings">
            <Head runs={runs} first="Setting" />
            <tbody>
              {rows.map(({ part, name, values, differs }) => (
                <tr key={`${part} ${name}`}>
                  <th scope="row">
                    {name} <small>{part === 'run' ? 'whole run' : part}</small>
                  </th>
                  {values.map((value, place) => (
                    <td key={runs[place]?.id} className={`is-numeric ${differs ? 'is-different' : ''}`}>
                      {value ?? NONE}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  )
}

function Basis({ runs }: { runs: readonly BacktestRun[] }) {
  return (
    <details className="basis">
      <summary>What these figures rest on</summary>
      {runs.map((run) => (
        <div key={run.id}>
          <h3>
            #{run.id}: {run.source}, code {run.code_hash}, parameters {run.params_hash}
          </h3>
          <p>Exits: {Object.entries(run.exit_reasons).map(([reason, times]) => `${words(reason)} ${times}`).join(', ') || 'none'}.</p>
          <ul>
            {run.notes.map((note) => (
              <li key={note}>{note}</li>
            ))}
          </ul>
        </div>
      ))}
    </details>
  )
}
