import { CoveragePanel } from '../../features/quality/CoveragePanel'
import { GapsPanel } from '../../features/quality/GapsPanel'
import { Page } from '../../ui/Page'

export default function DataQuality() {
  return (
    <Page title="Data quality">
      <CoveragePanel />
      <GapsPanel />
    </Page>
  )
}
