//! The list of kinds: the only one. A new kind is one line here and two files, as `docs/adding-a-kind.md` shows.

/// Calls the macro of that name with one line for each kind, in the order of creation: its documentation, its name, and its
/// module, which has one file in `resource/kinds/` and one in `aws/resource/`.
///
/// `cargo fmt` does not find modules that a macro declares: `rustfmt --edition 2024` formats their files.
macro_rules! for_each_kind {
    ($callback:ident) => {
        $callback! {
            /// VPC.
            Vpc vpc;
            /// Internet gateway with its attachment.
            InternetGateway internet_gateway;
            /// Subnet.
            Subnet subnet;
            /// Elastic IP address of a NAT gateway.
            ElasticIp elastic_ip;
            /// NAT gateway.
            NatGateway nat_gateway;
            /// Route table with its routes and subnet associations.
            RouteTable route_table;
            /// Security group with its ingress rules.
            SecurityGroup security_group;
            /// VPC endpoint, gateway or interface.
            VpcEndpoint vpc_endpoint;
            /// KMS key with its alias.
            KmsKey kms_key;
            /// Customer-managed IAM policy.
            IamPolicy iam_policy;
            /// IAM role with its attached policies.
            IamRole iam_role;
            /// Instance profile with its role.
            InstanceProfile instance_profile;
            /// S3 bucket with its settings.
            S3Bucket s3_bucket;
            /// EFS file system.
            EfsFileSystem efs_file_system;
            /// EFS mount target in a node zone.
            EfsMountTarget efs_mount_target;
            /// EFS access point; immutable.
            EfsAccessPoint efs_access_point;
            /// CloudWatch log group of the control plane.
            LogGroup log_group;
            /// EKS cluster.
            EksCluster eks_cluster;
            /// EKS access entry.
            EksAccessEntry eks_access_entry;
            /// EC2 launch template; every change is a new version.
            LaunchTemplate launch_template;
            /// Auto Scaling Group of one pool in one zone.
            AutoScalingGroup autoscaling_group;
            /// EKS add-on with its pod identity associations.
            EksAddOn eks_add_on;
            /// Target group of a controller's load balancer.
            TargetGroup target_group;
            /// Security group that EKS or a controller made.
            KubernetesSecurityGroup kubernetes_security_group;
            /// Interface endpoint that GuardDuty created for its agent.
            GuardDutyEndpoint guardduty_endpoint;
            /// Application, network or gateway load balancer of a controller; it counts as gone when its interfaces are.
            LoadBalancer load_balancer;
            /// Classic load balancer of the cloud controller; it counts as gone when its interfaces are.
            ClassicLoadBalancer classic_load_balancer;
            /// Instance of the cluster outside of its Auto Scaling Groups.
            Instance instance;
            /// Interface that the CNI left unattached.
            NetworkInterface network_interface;
            /// Log group of an agent in the cluster.
            ContainerLogGroup container_log_group;
            /// Volume of a persistent volume claim; it is `deleting` for seconds, at times for minutes.
            EbsVolume ebs_volume;
            /// Snapshot of a persistent volume claim.
            EbsSnapshot ebs_snapshot;
            /// Recovery point that AWS Backup holds of the file system.
            RecoveryPoint recovery_point;
        }
    };
}

pub(crate) use for_each_kind;
