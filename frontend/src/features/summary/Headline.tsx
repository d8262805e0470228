import type { ReactNode } from 'react'

import type { Summary } from '../../api/client'
import { useSummary } from '../../api/queries'
import { count, percent, ratio, signedPercent, signedUsd, usd } from '../../format/numbers'
import { Amount, Missing } from '../../ui/Figure'
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
      <Figure name="Equity" hint="Initial capital, closed P&L, and open positions at their marks, USD." large>
        <span data-testid="equity-usd">{usd(summary.equity)}</span>
        <Detail>
          from {usd(summary.initial_capital)} · <Amount of={summary.total_pnl}>{signedPercent(summary.return_fraction)}</Amount>
        </Detail>
      </Figure>
      <Figure name="P&L" hint="Realised, unrealised, and funding less fees of open positions, USD.">
        <Amount of={summary.total_pnl}>{signedUsd(summary.total_pnl)}</Amount>
        <Detail>
          {count(summary.trades)} closed · {count(summary.open_positions)} open
        </Detail>
      </Figure>
      <Figure name="Realised" hint="Closed positions after fees, slippage and funding, USD.">
        <Amount of={summary.realised_pnl}>{signedUsd(summary.realised_pnl)}</Amount>
      </Figure>
      <Figure name="Unrealised" hint="Open positions at their marks, before costs, USD.">
        <Amount of={summary.unrealised_pnl}>{signedUsd(summary.unrealised_pnl)}</Amount>
        <Detail>costs so far {signedUsd(summary.open_costs)}</Detail>
      </Figure>
      <Figure name="Drawdown" hint="Fall of equity from its running peak, now and at the worst.">
        {percent(summary.drawdown)}
        <Detail>worst {percent(summary.max_drawdown)}</Detail>
      </Figure>
      <Figure
        name="Sharpe"
        hint={`Mean over standard deviation of daily returns × √${count(summary.annualisation_days)}.`}
      >
        {summary.sharpe === null ? <Missing why={tooFew(summary.days)} /> : ratio(summary.sharpe)}
        <Detail>{basis(summary.days)}</Detail>
      </Figure>
      <Figure
        name="Sortino"
        hint={`Mean over downside deviation of daily returns × √${count(summary.annualisation_days)}.`}
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

function basis(days: number): string {
  return days === 1 ? 'on 1 day' : `on ${count(days)} days`
}

interface FigureProps {
  name: string
  hint: string
  large?: boolean
  children: ReactNode
}

function Figure({ name, hint, large = false, children }: FigureProps) {
  return (
    <div className={large ? 'figure is-large' : 'figure'}>
      <dt title={hint}>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

function Detail({ children }: { children: ReactNode }) {
  return <small>{children}</small>
}
