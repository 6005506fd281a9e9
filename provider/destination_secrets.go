// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/oapi-codegen/nullable"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// A secret is one write-only member of a type's config: a text or a table of texts. Exactly one of the functions text
// and table is set; it finds the member in a config whose type it is.
type secret struct {
	name             string // in the contract
	requiredOnCreate bool
	text             func(client.DestinationConfig) *nullable.Nullable[string]
	table            func(client.DestinationConfig) *nullable.Nullable[map[string]string]

	// fits reports whether the secret may stand beside the other attributes; nil is always. It may say no of what is
	// not known yet.
	fits func(model) bool
}

func (s secret) attribute() string        { return s.name + "_wo" }
func (s secret) versionAttribute() string { return s.name + "_wo_version" }

// clear makes the config say that the secret is to be removed.
func (s secret) clear(c client.DestinationConfig) {
	if s.table != nil {
		s.table(c).SetNull()
		return
	}
	s.text(c).SetNull()
}

// tableType is the type of tables of texts.
var tableType = types.MapType{ElemType: types.StringType}

// A secretValue is a secret as the configuration has it.
type secretValue struct {
	secret
	set     bool
	unknown bool        // set, but not known before apply
	unfit   func() bool // whether the rest of the configuration does not allow it
	text    string
	table   map[string]string
	version types.Int64 // null in automatic mode
}

func (v secretValue) write(c client.DestinationConfig) {
	if v.secret.table != nil {
		v.secret.table(c).Set(v.table)
		return
	}
	v.secret.text(c).Set(v.text)
}

// mac is a keyed hash of the value. HMAC is enough for tokens that cannot be guessed, and a plan of a thousand
// destinations has no time for more; whoever wants no hash at all sets a version.
func (v secretValue) mac(salt []byte) []byte {
	value, err := json.Marshal(v.table) // the keys are sorted
	if v.table == nil {
		value, err = []byte(v.text), nil
	}
	if err != nil {
		panic(err) // a map of strings can always be marshalled
	}
	h := hmac.New(sha256.New, salt)
	h.Write(value)
	return h.Sum(nil)
}

// secretValues are all secrets of a type, in the order of its list.
type secretValues []secretValue

// readSecrets reads the secrets from a configuration.
func (r *destinationResource) readSecrets(ctx context.Context, config tfsdk.Config, diags *diag.Diagnostics) secretValues {
	members := membersOf(config.Raw, diags)
	values := secretValues{}
	for _, s := range r.secrets {
		v := secretValue{secret: s}
		v.unfit = func() bool { // it is seldom asked, and costs more than all the rest
			if s.fits == nil {
				return false
			}
			m := r.newModel()
			diags.Append(r.get(ctx, config.Raw, m)...)
			return !s.fits(m)
		}
		v.version = valueOf[types.Int64](ctx, types.Int64Type, members[s.versionAttribute()], diags)
		if s.table != nil {
			table := valueOf[types.Map](ctx, tableType, members[s.attribute()], diags)
			v.set, v.unknown = !table.IsNull(), table.IsUnknown()
			for _, element := range table.Elements() {
				v.unknown = v.unknown || element.IsUnknown()
			}
			v.table = tableOf(table)
			for _, value := range v.table {
				r.hide(value)
			}
		} else {
			text := valueOf[types.String](ctx, types.StringType, members[s.attribute()], diags)
			v.set, v.unknown, v.text = !text.IsNull(), text.IsUnknown(), text.ValueString()
			r.hide(v.text)
		}
		values = append(values, v)
	}
	return values
}

// A record is what is remembered, in Terraform's private state, of the last time a secret was written, or left alone by
// the first write after an import.
type record struct {
	Salt        []byte `json:"salt,omitempty"` // only in automatic mode, like MAC
	MAC         []byte `json:"mac,omitempty"`
	Kept        bool   `json:"kept,omitempty"` // left alone: the value is not known here
	Fingerprint string `json:"fingerprint"`    // what the server returned; it differs when somebody else changed the secret
}

// records are kept by secret name. They are nil for a resource that was imported and not written since.
type records map[string]record

const privateKey = "secrets"

// privateState is what is used of the framework's type, which has no public name.
type privateState interface {
	GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
	SetKey(ctx context.Context, key string, value []byte) diag.Diagnostics
}

func loadRecords(ctx context.Context, private privateState, diags *diag.Diagnostics) records {
	raw, d := private.GetKey(ctx, privateKey)
	diags.Append(d...)
	if len(raw) == 0 {
		return nil
	}
	var known records
	if err := json.Unmarshal(raw, &known); err != nil {
		diags.AddError("The private state cannot be read", err.Error())
	}
	return known
}

// save completes the records with the fingerprints the server returned and stores them.
func (known records) save(ctx context.Context, private privateState, fingerprints map[string]string) diag.Diagnostics {
	for name, last := range known {
		if last.Fingerprint == "" {
			last.Fingerprint = fingerprints[name]
			known[name] = last
		}
	}
	raw, err := json.Marshal(known)
	if err != nil {
		panic(err) // strings and bytes can always be marshalled
	}
	return private.SetKey(ctx, privateKey, raw)
}

// stored is what the state knows of a secret.
type stored struct {
	fingerprint string // "" when the server has none
	version     types.Int64
}

func (r *destinationResource) storedSecrets(ctx context.Context, state tfsdk.State, diags *diag.Diagnostics) map[string]stored {
	members := membersOf(state.Raw, diags)
	fingerprints := tableOf(valueOf[types.Map](ctx, tableType, members["secret_fingerprints"], diags))
	all := map[string]stored{}
	for _, s := range r.secrets {
		all[s.name] = stored{
			fingerprint: fingerprints[s.name],
			version:     valueOf[types.Int64](ctx, types.Int64Type, members[s.versionAttribute()], diags),
		}
	}
	return all
}

// A choice is what an update does about a secret.
type choice struct {
	action secretAction
	reason bool // this alone is a reason to update
}

type secretAction int

const (
	keep secretAction = iota // send nothing: the server keeps what it has
	send
	remove
)

// choose decides about one secret:
//
//	in the configuration   and                                          action  reason to update
//	no                     the server has none, or it is required       keep    no
//	no                     another attribute does not allow it          remove  yes
//	no                     the resource was imported and not written    keep    no
//	                       since, or this was left alone then and is
//	                       what it was
//	no                     otherwise: taken out, or put there by        remove  yes
//	                       somebody else
//	yes                    the resource was imported, the server has    send    no: what is there cannot be compared
//	                       one, and it was not written since
//	yes                    never written, otherwise                     send    yes
//	yes                    the server's fingerprint is another          send    yes: somebody else changed it
//	yes, with a version    the version is another                       send    yes
//	yes, without           the value is another, or not known yet       send    yes
//	yes                    none of these                                keep    no
func (v secretValue) choose(known records, has stored) choice {
	last, recorded := known[v.name]
	if !v.set {
		leave := known == nil || last.Kept && last.Fingerprint == has.fingerprint
		if has.fingerprint == "" || v.requiredOnCreate || leave && !v.unfit() {
			return choice{keep, false}
		}
		return choice{remove, true}
	}
	if !v.version.Equal(has.version) {
		return choice{send, true}
	}
	if !recorded || last.Kept {
		imported := known == nil && has.fingerprint != ""
		return choice{send, !imported}
	}
	if last.Fingerprint != has.fingerprint {
		return choice{send, true}
	}
	if automatic := v.version.IsNull(); automatic && (v.unknown || !hmac.Equal(last.MAC, v.mac(last.Salt))) {
		return choice{send, true}
	}
	return choice{keep, false}
}

// choose decides about every secret, by name.
func (all secretValues) choose(known records, has map[string]stored) map[string]choice {
	choices := map[string]choice{}
	for _, v := range all {
		choices[v.name] = v.choose(known, has[v.name])
	}
	return choices
}

// settled reports whether the choices leave every secret as it is, and apply will choose the same: a value without a
// version may be another then.
func (all secretValues) settled(choices map[string]choice) bool {
	for _, v := range all {
		if choices[v.name].action != keep || v.set && v.version.IsNull() {
			return false
		}
	}
	return true
}

// write carries the choices out on a config that is about to be sent, and returns the records to save if the server
// accepts it.
func (all secretValues) write(choices map[string]choice, known records, config *client.DestinationConfig) records {
	next := records{}
	maps.Copy(next, known)
	for _, v := range all {
		switch choices[v.name].action {
		case keep:
			if known == nil {
				next[v.name] = record{Kept: true}
			}
		case remove:
			v.clear(*config)
			delete(next, v.name)
		case send:
			v.write(*config)
			next[v.name] = v.record()
		}
	}
	return next
}

// writeAll sends every secret there is, for a creation.
func (all secretValues) writeAll(config *client.DestinationConfig) records {
	choices := map[string]choice{}
	for _, v := range all {
		if v.set {
			choices[v.name] = choice{action: send}
		}
	}
	return all.write(choices, records{}, config)
}

// record is what to remember of the value once it is sent; the fingerprint is yet to come.
func (v secretValue) record() record {
	if !v.version.IsNull() {
		return record{}
	}
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // never fails
	return record{Salt: salt, MAC: v.mac(salt)}
}
