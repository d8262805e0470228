import type { ReactNode } from 'react'

import type { Summary } from '../../api/client'
import { useSummary } from '../../api/queries'
import { count, percent, ratio, signedPercent, signedUsd, usd } from '../../format/numbers'
import { Amount, Missing } from '../../ui/Figure'
import { Term } from '../../ui/Heading'
import { View } from '../../ui/View'

/** The figures that answer "how does it stand?". */
export function Headline() {
  const query = useSummary()
  return (
    <section className="headline" aria-label="Portfolio">
      <View query={query} lines={2}>
        {(summary) => <Figures summary={summary} />}
      </View>
    </section>
  )
}

function Figures({ summary }: { summary: Summary }) {
  return (
    <dl>
      <Figure name="Equity" metric="equity" large>
        <span data-testid="equity-usd">{usd(summary.equity)}</span>
        <Detail>
          from {usd(summary.initial_capital)} · <Amount of={summary.total_pnl}>{signedPercent(summary.return_fraction)}</Amount>
        </Detail>
      </Figure>
      <Figure name="P&L" metric="total_pnl">
        <Amount of={summary.total_pnl}>{signedUsd(summary.total_pnl)}</Amount>
        <Detail>
          {count(summary.trades)} closed · {count(summary.open_positions)} open
        </Detail>
      </Figure>
      <Figure name="Realised" metric="realised_pnl">
        <Amount of={summary.realised_pnl}>{signedUsd(summary.realised_pnl)}</Amount>
      </Figure>
      <Figure name="Unrealised" metric="unrealised_pnl">
        <Amount of={summary.unrealised_pnl}>{signedUsd(summary.unrealised_pnl)}</Amount>
        <Detail>costs so far {signedUsd(summary.open_costs)}</Detail>
      </Figure>
      <Figure name="Drawdown" metric="drawdown">
        {percent(summary.drawdown)}
        <Detail>worst {percent(summary.max_drawdown)}</Detail>
      </Figure>
      <Figure
        name="Sharpe"
        metric="sharpe"
        note={annual(summary)}
      >
        {summary.sharpe === null ? <Missing why={tooFew(summary.days)} /> : ratio(summary.sharpe)}
        <Detail>{basis(summary.days)}</Detail>
      </Figure>
      <Figure
        name="Sortino"
        metric="sortino"
        note={annual(summary)}
      >
        {summary.sortino === null ? <Missing why={noLoss(summary.days)} /> : ratio(summary.sortino)}
        <Detail>{basis(summary.days)}</Detail>
      </Figure>
    </dl>
  )
}

function tooFew(days: number): string {
  return days < 2 ? `It needs two days of market time; there is ${days === 1 ? 'one' : 'none'}.` : 'All days are the same.'
}

function noLoss(days: number): string {
  return days < 2 ? tooFew(days) : 'No day has lost anything yet.'
}

function annual({ annualisation_days: days }: Summary): string {
  return `A year has ${count(days)} days here.`
}

function basis(days: number): string {
  return days === 1 ? 'on 1 day' : `on ${count(days)} days`
}

interface FigureProps {
  name: string
  /** As the API names it. */
  metric: string
  note?: string
  large?: boolean
  children: ReactNode
}

function Figure({ name, metric, note, large = false, children }: FigureProps) {
  return (
    <div className={large ? 'figure is-large' : 'figure'}>
      <Term metric={metric} note={note}>
        {name}
      </Term>
      <dd>{children}</dd>
    </div>
  )
}

function Detail({ children }: { children: ReactNode }) {
  return <small>{children}</small>
}
