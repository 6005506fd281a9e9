// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"regexp"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/oapi-codegen/nullable"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// amazonSQSModel is an alertrouter_destination_amazon_sqs.
type amazonSQSModel struct {
	envelope
	amazonAccess
	QueueURL        types.String `tfsdk:"queue_url"`
	DelaySeconds    types.Int64  `tfsdk:"delay_seconds"`
	MessageGroupID  types.String `tfsdk:"message_group_id"`
	MaxMessageBytes types.Int64  `tfsdk:"max_message_bytes"`
}

// amazonQueueForm is any host, the account or what an emulator has in its place, and the queue's name.
var amazonQueueForm = regexp.MustCompile(`^https?://[^/?#]+/[^?#]+/[A-Za-z0-9_-]{1,80}(\.fifo)?$`)

var amazonSQSKind = kind{
	name:       "amazon_sqs",
	schemaName: "AmazonSqsConfig",
	docs:       "A FIFO queue drops repeats of a delivery that come within five minutes; a standard queue may get an alert twice when an answer is lost, with the same message attribute `deliveryId`.",
	newModel:   func() model { return &amazonSQSModel{} },
	attributes: with(amazonAttributes("AmazonSqsConfig", 1<<20), map[string]schema.Attribute{
		"queue_url": schema.StringAttribute{
			Required: true,
			Validators: []validator.String{
				stringvalidator.LengthBetween(1, 2048),
				webURL{},
				stringvalidator.RegexMatches(amazonQueueForm, "must be the URL of a queue, such as https://sqs.us-east-1.amazonaws.com/123456789012/alerts"),
			},
			MarkdownDescription: describe("AmazonSqsConfig.queue_url"),
		},
		"delay_seconds": schema.Int64Attribute{
			Optional:            true,
			Validators:          []validator.Int64{int64validator.Between(1, 900)},
			MarkdownDescription: describe("AmazonSqsConfig.delay_seconds"),
		},
	}),
	secrets: amazonSecrets(
		func(c client.DestinationConfig) *nullable.Nullable[string] { return &c.AmazonSqs.SecretAccessKey },
		func(c client.DestinationConfig) *nullable.Nullable[string] { return &c.AmazonSqs.SessionToken },
		func(m model) *amazonAccess { return &m.(*amazonSQSModel).amazonAccess },
	),
	validators: amazonValidators(noDelayInOrder{}),
}

// noDelayInOrder refuses a delay of single messages of a FIFO queue.
type noDelayInOrder struct{}

func (noDelayInOrder) Description(context.Context) string {
	return "delay_seconds must not be set for a FIFO queue, which has one delay for all messages"
}

func (v noDelayInOrder) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (v noDelayInOrder) ValidateResource(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var queue types.String
	var delay types.Int64
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("queue_url"), &queue)...)
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("delay_seconds"), &delay)...)
	if strings.HasSuffix(queue.ValueString(), ".fifo") && !delay.IsNull() {
		resp.Diagnostics.AddAttributeError(path.Root("delay_seconds"), "The queue takes no delay", v.Description(ctx)+".")
	}
}

func (m *amazonSQSModel) config() client.DestinationConfig {
	return client.DestinationConfig{AmazonSqs: &client.AmazonSqsConfig{
		QueueURL:        m.QueueURL.ValueString(),
		DelaySeconds:    m.DelaySeconds.ValueInt64Pointer(),
		MessageGroupID:  m.MessageGroupID.ValueStringPointer(),
		MaxMessageBytes: m.MaxMessageBytes.ValueInt64Pointer(),
		AccessKeyID:     m.AccessKeyID.ValueStringPointer(),
		Profile:         m.Profile.ValueStringPointer(),
		RoleArn:         m.RoleARN.ValueStringPointer(),
		ExternalID:      m.ExternalID.ValueStringPointer(),
		RoleSessionName: m.RoleSessionName.ValueStringPointer(),
		Region:          m.Region.ValueStringPointer(),
		EndpointURL:     m.EndpointURL.ValueStringPointer(),
		StsEndpointURL:  m.STSEndpointURL.ValueStringPointer(),
	}}
}

func (m *amazonSQSModel) setConfig(c client.DestinationConfig) {
	m.QueueURL = types.StringValue(c.AmazonSqs.QueueURL)
	m.DelaySeconds = types.Int64PointerValue(c.AmazonSqs.DelaySeconds)
	m.MessageGroupID = types.StringPointerValue(c.AmazonSqs.MessageGroupID)
	m.MaxMessageBytes = types.Int64PointerValue(c.AmazonSqs.MaxMessageBytes)
	m.AccessKeyID = types.StringPointerValue(c.AmazonSqs.AccessKeyID)
	m.Profile = types.StringPointerValue(c.AmazonSqs.Profile)
	m.RoleARN = types.StringPointerValue(c.AmazonSqs.RoleArn)
	m.ExternalID = types.StringPointerValue(c.AmazonSqs.ExternalID)
	m.RoleSessionName = types.StringPointerValue(c.AmazonSqs.RoleSessionName)
	m.Region = types.StringPointerValue(c.AmazonSqs.Region)
	m.EndpointURL = types.StringPointerValue(c.AmazonSqs.EndpointURL)
	m.STSEndpointURL = types.StringPointerValue(c.AmazonSqs.StsEndpointURL)
}
