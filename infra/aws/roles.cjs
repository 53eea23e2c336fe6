"use strict";

// One IAM role per function, with the rights that its own environment and events name and no others:
// SSM_NAMES are the parameters that it may read, a queue in its environment is one that it may send
// to, a queue among its events one that it may receive from.

const arn = (service, resource) => ({
  "Fn::Sub": `arn:\${AWS::Partition}:${service}:\${AWS::Region}:\${AWS::AccountId}:${resource}`,
});

const allow = (actions, resources) => ({
  Effect: "Allow",
  Action: actions,
  Resource: resources,
});

function* rightsOf(fn, ssmPath) {
  // Lambda names the streams of a group as it goes; nothing narrower can be said.
  yield allow(["logs:CreateLogStream", "logs:PutLogEvents"], [
    arn("logs", `log-group:/aws/lambda/${fn.name}:*`),
  ]);
  const { SSM_NAMES: names, ...others } = fn.environment || {};
  if (names) {
    const parameters = names.split(",").filter(Boolean).map((name) => arn("ssm", `parameter${ssmPath}/${name}`));
    yield allow(["ssm:GetParameters"], parameters);
  }
  const targets = Object.values(others).filter((value) => value && value.Ref);
  if (targets.length) {
    yield allow(["sqs:SendMessage"], targets.map(({ Ref }) => ({ "Fn::GetAtt": [Ref, "Arn"] })));
  }
  const sources = fn.events.filter((event) => event.sqs).map((event) => event.sqs.arn);
  if (sources.length) {
    const actions = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];
    yield allow(actions, sources);
  }
}

const roleOf = (fn, ssmPath) => ({
  Type: "AWS::IAM::Role",
  Properties: {
    AssumeRolePolicyDocument: {
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Principal: { Service: "lambda.amazonaws.com" },
          Action: "sts:AssumeRole",
        },
      ],
    },
    Policies: [
      {
        PolicyName: "rights",
        PolicyDocument: { Version: "2012-10-17", Statement: [...rightsOf(fn, ssmPath)] },
      },
    ],
  },
});

module.exports = class RolePerFunction {
  constructor(serverless) {
    this.hooks = {
      initialize: () => {
        const { service } = serverless;
        const { naming } = serverless.getProvider("aws");
        for (const key of service.getAllFunctions()) {
          const fn = service.getFunction(key);
          fn.role = `${naming.getNormalizedFunctionName(key)}Role`;
          service.resources.Resources[fn.role] = roleOf(fn, service.provider.environment.SSM_PATH);
        }
      },
    };
  }
};
