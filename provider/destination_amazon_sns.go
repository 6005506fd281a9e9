// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/oapi-codegen/nullable"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// amazonSNSModel is an alertrouter_destination_amazon_sns.
type amazonSNSModel struct {
	envelope
	amazonAccess
	TopicARN         types.String `tfsdk:"topic_arn"`
	MessageStructure types.String `tfsdk:"message_structure"`
	MessageGroupID   types.String `tfsdk:"message_group_id"`
	MaxMessageBytes  types.Int64  `tfsdk:"max_message_bytes"`
}

var amazonTopicForm = regexp.MustCompile(`^arn:aws(-[a-z]+)*:sns:` + amazonRegion + `:\d{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?$`)

var snsStructures = []string{"json", "string"}

var amazonSNSKind = kind{
	name:       "amazon_sns",
	schemaName: "AmazonSnsConfig",
	docs:       "A FIFO topic drops repeats of a delivery that come within five minutes; a standard topic may publish an alert twice when an answer is lost.",
	newModel:   func() model { return &amazonSNSModel{} },
	attributes: with(amazonAttributes("AmazonSnsConfig", 256<<10), map[string]schema.Attribute{
		"topic_arn": schema.StringAttribute{
			Required: true,
			Validators: []validator.String{
				stringvalidator.RegexMatches(amazonTopicForm, "must be the ARN of a topic, such as arn:aws:sns:us-east-1:123456789012:alerts"),
			},
			MarkdownDescription: describe("AmazonSnsConfig.topic_arn"),
		},
		"message_structure": schema.StringAttribute{
			Optional:            true,
			Validators:          []validator.String{stringvalidator.OneOf(snsStructures...)},
			MarkdownDescription: describe("AmazonSnsConfig.message_structure", oneOf(snsStructures)),
		},
	}),
	secrets: amazonSecrets(
		func(c client.DestinationConfig) *nullable.Nullable[string] { return &c.AmazonSns.SecretAccessKey },
		func(c client.DestinationConfig) *nullable.Nullable[string] { return &c.AmazonSns.SessionToken },
		func(m model) *amazonAccess { return &m.(*amazonSNSModel).amazonAccess },
	),
	validators: amazonValidators(),
}

func (m *amazonSNSModel) config() client.DestinationConfig {
	return client.DestinationConfig{AmazonSns: &client.AmazonSnsConfig{
		TopicArn:         m.TopicARN.ValueString(),
		MessageStructure: pointerTo[client.AmazonSnsConfigMessageStructure](m.MessageStructure),
		MessageGroupID:   m.MessageGroupID.ValueStringPointer(),
		MaxMessageBytes:  m.MaxMessageBytes.ValueInt64Pointer(),
		AccessKeyID:      m.AccessKeyID.ValueStringPointer(),
		Profile:          m.Profile.ValueStringPointer(),
		RoleArn:          m.RoleARN.ValueStringPointer(),
		ExternalID:       m.ExternalID.ValueStringPointer(),
		RoleSessionName:  m.RoleSessionName.ValueStringPointer(),
		Region:           m.Region.ValueStringPointer(),
		EndpointURL:      m.EndpointURL.ValueStringPointer(),
		StsEndpointURL:   m.STSEndpointURL.ValueStringPointer(),
	}}
}

func (m *amazonSNSModel) setConfig(c client.DestinationConfig) {
	m.TopicARN = types.StringValue(c.AmazonSns.TopicArn)
	m.MessageStructure = textOf(c.AmazonSns.MessageStructure)
	m.MessageGroupID = types.StringPointerValue(c.AmazonSns.MessageGroupID)
	m.MaxMessageBytes = types.Int64PointerValue(c.AmazonSns.MaxMessageBytes)
	m.AccessKeyID = types.StringPointerValue(c.AmazonSns.AccessKeyID)
	m.Profile = types.StringPointerValue(c.AmazonSns.Profile)
	m.RoleARN = types.StringPointerValue(c.AmazonSns.RoleArn)
	m.ExternalID = types.StringPointerValue(c.AmazonSns.ExternalID)
	m.RoleSessionName = types.StringPointerValue(c.AmazonSns.RoleSessionName)
	m.Region = types.StringPointerValue(c.AmazonSns.Region)
	m.EndpointURL = types.StringPointerValue(c.AmazonSns.EndpointURL)
	m.STSEndpointURL = types.StringPointerValue(c.AmazonSns.StsEndpointURL)
}
