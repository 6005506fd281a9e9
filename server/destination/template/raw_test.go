// SPDX-License-Identifier: MPL-2.0

package template_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/template"
)

// What is taken apart level by level and put together again is what encoding/json reads.
func FuzzRaw_IsTakenApartAsJSONIs(f *testing.F) {
	f.Add([]byte(context))
	f.Add([]byte(` { "a\"}" : [ 1 , -2.5e10 , true,false , null,"x\\" ] , "b":{ "c" : { } , "d":[ ] } } `))
	f.Add([]byte(`{"a":1,"a":[[],[{}],[[["]"]]]]}`))
	f.Add([]byte(`[`))
	f.Add([]byte(`{"a`))
	f.Add([]byte(`{"a":}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		parsed, err := template.Parse(`{"c":{ {{- $n := 0 -}} {{range $k, $v := .context}}{{if $n}},{{end}}{{$n = 1}}{{json $k}}:{{json $v}}{{end}} }}`, nil)
		if err != nil {
			t.Fatal(err)
		}
		d := data("{}")
		d["context"] = template.Raw{JSON: text}
		out, err := parsed.Execute(d)
		var want struct{ C map[string]any }
		if !json.Valid(text) || bytes.TrimSpace(text)[0] != '{' || err != nil {
			return // it is enough that nothing broke
		}
		var got struct{ C map[string]any }
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			t.Fatalf("%s became %s: %v", text, out, err)
		}
		if err := json.Unmarshal(text, &want.C); err != nil {
			t.Skip("a number beyond float64")
		}
		if !reflect.DeepEqual(got.C, want.C) && len(want.C) > 0 {
			t.Fatalf("%s became %s", text, out)
		}
	})
}
