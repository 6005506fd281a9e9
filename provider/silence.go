// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"os"
	"strings"
)

// silenceUnreadLog turns the log of the plugin's process off unless the environment asks for one, as TF_LOG does. The
// plugin framework writes every step of every call as JSON for Terraform to choose from, and Terraform parses it all and
// throws it away: that is half of the processor time of a plan of many resources.
func silenceUnreadLog() {
	for _, pair := range os.Environ() {
		if name, value, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "TF_LOG") && value != "" {
			return
		}
	}
	for _, logger := range []string{"TF_LOG_SDK", "TF_LOG_SDK_PROTO", "TF_LOG_SDK_FRAMEWORK", "TF_LOG_PROVIDER_ALERTROUTER"} {
		_ = os.Setenv(logger, "OFF") // fails for names with an equals sign only
	}
}
