// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/config"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
)

// TestExamples_Work applies every example of a resource or data source as it stands, plans to empty, and destroys it.
func TestExamples_Work(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../examples/*s/alertrouter_*/*.tf")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no examples to check (%v)", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(filepath.Dir(file)), func(t *testing.T) {
			w := newWorld(t)
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			w.run(t, resource.TestStep{Config: w.config(string(text)), ConfigVariables: w.exampleVariables(t, string(text))})
		})
	}
}

// exampleVariables gives values to the variables the examples use.
func (w *world) exampleVariables(t *testing.T, example string) config.Variables {
	t.Helper()
	all := config.Variables{
		"webhook_url":           config.StringVariable(newReceiver(t).URL),
		"slack_webhook_url":     config.StringVariable(slackURL),
		"pagerduty_routing_key": config.StringVariable("0123456789abcdef0123456789abcdef"),
		"soar_api_key":          config.StringVariable("an-api-key"),
		"soar_signing_secret":   config.StringVariable("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
	}
	used := config.Variables{}
	for name, value := range all {
		if strings.Contains(example, `variable "`+name+`"`) {
			used[name] = value
		}
	}
	return used
}
