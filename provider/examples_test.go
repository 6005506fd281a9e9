// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/hashicorp/terraform-plugin-testing/config"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
)

// TestExamples_Work applies every example of a resource, data source or ephemeral resource as it stands, plans to empty, and destroys it.
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

// use is an argument of an example that takes a variable: `webhook_url_wo = var.slack_webhook_url`.
var use = regexp.MustCompile(`"?([\w-]+)"?\s*=\s*var\.(\w+)`)

// exampleVariables gives values to the variables an example uses: a destination's secret is the contract's example of it,
// a certificate the type's, a URL a real receiver, an endpoint the control plane. A version has a default.
func (w *world) exampleVariables(t *testing.T, example string) config.Variables {
	t.Helper()
	variables := config.Variables{}
	for _, at := range use.FindAllStringSubmatchIndex(example, -1) {
		argument, name := example[at[2]:at[3]], example[at[4]:at[5]]
		value := "a-value-for-" + strings.ToLower(argument)
		if argument == "url" {
			value = newReceiver(t).URL
		}
		if argument == "endpoint" {
			value = w.URL
		}
		if strings.HasSuffix(argument, "_certificate") {
			value, _ = traitsOf(t, typeBefore(example[:at[0]])).Values[argument][0].(string)
		}
		if strings.HasSuffix(argument, "_wo_version") {
			continue
		}
		if member, isSecret := strings.CutSuffix(argument, "_wo"); argument == "secret_wo" {
			value = firstSecret // a contract that shows a token shows one that anybody can guess
		} else if isSecret {
			value = exampleSecret(t, typeBefore(example[:at[0]]), member)
		}
		variables[name] = config.StringVariable(value)
	}
	return variables
}

// typeBefore returns the type of the last destination that a text begins to declare.
func typeBefore(text string) string {
	const declares = `resource "alertrouter_destination_`
	name, _, _ := strings.Cut(text[strings.LastIndex(text, declares)+1:][len(declares)-1:], `"`)
	return name
}

// exampleSecret returns the contract's example of a secret member of a destination type.
func exampleSecret(t *testing.T, kind, member string) string {
	t.Helper()
	document, err := openapi3.NewLoader().LoadFromFile("../server/api/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	schema := document.Components.Schemas["DestinationConfig"].Value.Properties[kind]
	if schema == nil {
		t.Fatalf("there is no destination type %q", kind)
	}
	example, _ := schema.Value.Example.(map[string]any)
	value, ok := example[member].(string)
	if !ok { // one that cannot be there beside another
		value, ok = traitsOf(t, kind).Values[member][0].(string)
	}
	if !ok {
		t.Fatalf("neither the contract's example of %s nor testdata/types shows %s", kind, member)
	}
	return value
}
