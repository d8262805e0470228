import { BacktestsPanel } from '../../features/research/BacktestsPanel'
import { ComparisonPanel } from '../../features/research/ComparisonPanel'
import { RunTradesPanel } from '../../features/research/RunTradesPanel'
import { StudiesPanel } from '../../features/research/StudiesPanel'
import { Page } from '../../ui/Page'

export default function Research() {
  return (
    <Page title="Research">
      <BacktestsPanel />
      <ComparisonPanel />
      <RunTradesPanel />
      <StudiesPanel />
    </Page>
  )
}
