import { MarketsPanel } from '../../features/polymarket/MarketsPanel'
import { ProbabilityPanel } from '../../features/polymarket/ProbabilityPanel'
import { Page } from '../../ui/Page'

export default function Polymarket() {
  return (
    <Page title="Polymarket">
      <ProbabilityPanel />
      <MarketsPanel />
    </Page>
  )
}
